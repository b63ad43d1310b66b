/** What the server says of Asterisk's configuration, by its codes (ccserver/domain/config_words.py) in the user's words. */

/** What a check, an application and a plan say. @param {import("lib/i18n").Translate} t */
function sentences(t) {
  return {
    nothing_changed: t("Nothing has changed."),
    no_program: t("There is no Asterisk program on this machine to rehearse the configuration with. Run this where Asterisk is installed."),
    files_would_change: t("%(files)s files would change"),
    planned: t("%(changes)s changes in %(files)s files"),
    rehearsed: t("%(endpoints)s endpoints, %(registrations)s registrations, %(contexts)s contexts, %(seconds)s s"),
    seen: t("%(endpoints)s endpoints, %(registrations)s registrations, %(contexts)s contexts"),
    interrupted: t("It was interrupted; the configuration of before is back."),
    not_running: t("Asterisk does not answer; it reads the files when it starts"),
    nothing_to_install: t("nothing to install"),
    nothing_to_reload: t("nothing to reload"),
    needs_restart: t("%(modules)s; needs a restart: %(files)s"),
    undo_failed: t("Putting the files of before back failed as well: %(why)s"),
    disk_full: t("The disk of %(folder)s is full. Free some space and try again."),
    template_broken: t("A template cannot be rendered: %(said)s"),
    value_unfit: t("A value cannot be written into Asterisk's configuration: %(why)s"),
    no_answer: t("It did not answer: %(why)s"),
    not_booted: t("Asterisk did not boot"),
    ended_starting: t("Asterisk ended while it was starting"),
    more: t("... and %(n)s more"),
    endpoint_missing: t("endpoint %(names)s is not there"),
    endpoint_left: t("endpoint %(names)s is still there"),
    registration_missing: t("registration %(names)s is not there"),
    registration_left: t("registration %(names)s is still there"),
    queue_missing: t("queue %(names)s is not there"),
    queue_left: t("queue %(names)s is still there"),
    context_missing: t("context %(names)s is not there"),
    context_left: t("context %(names)s is still there"),
    dialplan_other: t("the dialplan that runs is not the one that was installed"),
    ami_refused: t("AMI %(action)s: %(said)s"),
    key_short: t("SECRETS_KEY must be at least %(least)s characters. Make one: %(command)s"),
    key_other: t("A stored secret cannot be decrypted: SECRETS_KEY is not the one it was made with"),
    config_busy: t("%(who)s is at it. Try again when that is done."),
    config_changed: t("The configuration has changed meanwhile: look again at what waits."),
    database_away: t("The database is away."),
    telephony_blind: t("Asterisk is not seen at this moment."),
    asterisk_missing: t("Asterisk is not installed on this machine."),
    rehearsal_away: t("The machine of Asterisk does not answer for the rehearsal."),
    site_left_out: t("Site %(name)s is not in Asterisk: %(why)s"),
    trunk_left_out: t("Trunk %(name)s is not in Asterisk: %(why)s"),
    phone_left_out: t("Phone %(name)s is not in Asterisk: %(why)s"),
    schedule_left_out: t("Schedule %(name)s is not in Asterisk: %(why)s"),
    number_left_out: t("Number %(name)s is not in Asterisk: %(why)s"),
    value: t("%(setting)s: %(reason)s"),
    unsafe_value: t("a value does not fit into a configuration file"),
  };
}

/** What of a row is wrong. @param {import("lib/i18n").Translate} t */
function settings(t) {
  return {
    of_tenant: t("tenant"),
    of_application: t("application"),
    of_site_slugs: t("site slugs"),
    of_trunk_slugs: t("trunk slugs"),
    of_phone_extensions: t("phone extensions"),
    of_numbers: t("numbers"),
    of_schedules: t("schedules"),
    of_revision: t("revision"),
    of_tls: t("TLS"),
    named_trunk: t("trunk %(name)s"),
    of_trunk_host: t("trunk host"),
    of_trunk_account: t("trunk account"),
    named_phone: t("phone %(name)s"),
    named_number: t("number %(name)s"),
    named_site: t("site %(name)s"),
    of_site: t("site"),
    of_phone_extension: t("phone extension"),
    of_trunk: t("trunk"),
    of_number: t("number"),
    of_destination: t("destination"),
    of_opening_hours: t("opening hours"),
    of_special_day: t("special day"),
    of_schedule_id: t("schedule id"),
    of_schedule_zone: t("schedule zone"),
    of_schedule_s_special_days: t("schedule's special days"),
    of_number_s_site: t("number's site"),
    of_destination_s_extension: t("destination's extension"),
    of_destination_s_number: t("destination's number"),
    of_destination_s_site: t("destination's site"),
    of_number_s_schedule: t("number's schedule"),
    of_phone_secret: t("phone secret"),
    of_phone_site: t("phone site"),
    of_phone_kind: t("phone kind"),
    of_mobile_s_site: t("mobile's site"),
    of_mobile: t("mobile"),
    of_phone_agent_id: t("phone agent id"),
    of_route_prefix: t("route prefix"),
    of_route_trunk: t("route trunk"),
    of_site_id: t("site id"),
    of_site_slug: t("site slug"),
    of_site_zone: t("site zone"),
    of_site_country: t("site country"),
    of_site_area: t("site area"),
    of_site_trunks: t("site trunks"),
    of_site_codecs: t("site codecs"),
    of_site_caller_id: t("site caller id"),
    of_site_trunk: t("site trunk"),
    of_site_subnet: t("site subnet"),
    of_site_allowed_prefix: t("site allowed prefix"),
    of_trunk_slug: t("trunk slug"),
    of_trunk_site: t("trunk site"),
    of_trunk_port: t("trunk port"),
    of_trunk_codecs: t("trunk codecs"),
    of_trunk_mode: t("trunk mode"),
    of_trunk_transport: t("trunk transport"),
    of_trunk_number_format: t("trunk number format"),
    of_trunk_dial_prefix: t("trunk dial prefix"),
    of_trunk_qualify: t("trunk qualify"),
    of_trunk_secret: t("trunk secret"),
    of_trunk_domain: t("trunk domain"),
    of_trunk_address: t("trunk address"),
  };
}

/** What it must look like. @param {import("lib/i18n").Translate} t */
function reasons(t) {
  return {
    must_letters_digits: t("letters, digits, '_ . -'"),
    must_small_letters_digits_and: t("small letters, digits, '_' and '-'"),
    must_zero_or_more: t("zero or more"),
    must_sip_over_tls_and_https_need_a: t("SIP over TLS and HTTPS need a certificate and its key"),
    must_this_asterisk_does_not_listen_on_ipv6: t("this Asterisk does not listen on IPv6"),
    must_this_asterisk_does_not_listen_on: t("this Asterisk does not listen on %(transport)s"),
    must_between_and_seconds: t("between %(low)s and %(high)s seconds"),
    must_trunk_has_the_same_address: t("trunk %(name)s has the same address"),
    must_trunk_logs_in_with_the_same_account: t("trunk %(name)s logs in with the same account"),
    must_site_is_not_in_the_model: t("site %(name)s is not in the model"),
    must_this_is_an_emergency_number: t("this is an emergency number"),
    must_its_schedule_is_not_in_the_model: t("its schedule is not in the model"),
    must_trunk_is_not_in_the_model: t("trunk %(name)s is not in the model"),
    must_extension_is_not_in_the_model: t("extension %(name)s is not in the model"),
    must_its_site_is_not_in_asterisk: t("its site is not in Asterisk"),
    must_another_phone_has_the_same_extension: t("another phone has the same extension"),
    must_another_site_has_the_same_short_name: t("another site has the same short name"),
    must_another_trunk_has_the_same_short_name: t("another trunk has the same short name"),
    must_another_tenant_has_the_same_number: t("another tenant has the same number"),
    must_8_to_128_letters_digits_or: t("8 to 128 letters, digits or '_ . ~ -'"),
    must_hh_mm: t("HH:MM"),
    must_yyyy_mm_dd: t("YYYY-MM-DD"),
    must_a_zone_such_as_europe_paris: t("a zone such as Europe/Paris"),
    must_an_e_164_number_with_its: t("an E.164 number with its '+'"),
    must_two_to_six_digits: t("two to six digits"),
    must_a_day_between_1_and_7: t("a day between 1 and 7"),
    must_a_beginning_before_the_end: t("a beginning before the end"),
    must_empty_or_and_up_to_15_digits: t("empty, or '+' and up to 15 digits"),
    must_two_capital_letters: t("two capital letters"),
    must_up_to_six_digits: t("up to six digits"),
    must_one_or_more_of: t("one or more of %(list)s"),
    must_and_up_to_15_digits: t("'+' and up to 15 digits"),
    must_up_to_eight_digits_or: t("up to eight digits, '*' or '#'"),
    must_between_0_off_and_3600_seconds: t("between 0 (off) and 3600 seconds"),
    must_3_to_64_letters_digits_or: t("3 to 64 letters, digits or '_ . + -'"),
    must_4_to_128_letters_digits_or: t("4 to 128 letters, digits or %(signs)s"),
    must_a_trunk_that_registers_needs_its: t("a trunk that registers needs its account and its secret"),
    must_small_letters_digits_and_single: t("small letters, digits and single hyphens, beginning with a letter"),
    must_an_absolute_path_of_plain_characters: t("an absolute path of plain characters"),
    must_at_most_characters: t("at most %(most)s characters"),
    must_an_ip_address_without_a_zone: t("an IP address without a zone"),
    must_a_network_without_a_zone: t("a network without a zone"),
    must_a_path_without: t("a path without '..'"),
    must_one_of: t("one of %(list)s"),
    must_a_port_between_1_and_65535: t("a port between 1 and 65535"),
    must_an_ip_address_or_a_host_name_in_small: t("an IP address or a host name in small letters"),
    must_an_ip_address: t("an IP address"),
    must_a_network_such_as_10_1_0_0_24: t("a network such as 10.1.0.0/24"),
    must_is_used_twice: t("%(value)s is used twice"),
  };
}

/** @typedef {{code: string, params: Record<string, string|Said>}} Said */

/** @param {import("lib/i18n").Translate} t */
export function makeConfigSentences(t) {
  const known = { ...sentences(t), ...settings(t), ...reasons(t) };

  /** @param {string|Said} said @returns {string} */
  function one(said) {
    if (typeof said === "string") return said;
    const sentence = known[said.code];
    if (!sentence) return String(said.params.text ?? said.code);
    return sentence.replace(/%\((\w+)\)s/g, (whole, name) => (name in said.params ? one(said.params[name]) : whole));
  }

  return {
    /**
     * A text of ours, line by line; Asterisk's own lines between quotation marks.
     * @param {Said[]|undefined} words @param {string} text in English, for what has no words
     */
    quoted: (words, text) => (words?.length ? words.map((said) => (known[said.code] ? one(said) : t("“%(said)s”", { said: one(said) }))).join("\n") : text),
    /** The same without quotation marks: names of files and modules. @param {Said[]|undefined} words @param {string} text */
    plain: (words, text) => (words?.length ? words.map(one).join("\n") : text),
  };
}
