// A phone in a page, for tests: SIP over WebSocket (RFC 7118), sound by WebRTC. One call at a time.
//
// `state` (idle, calling, ringing, up, over), `status` (the last final answer to a request of ours), `ended` (why the call is
// over) and the counts of `stats()` are what tests look at.

import { addressIn, credentials, parse, tagOf, word, write } from "./sip.js";

const LOUD = 0.005;

export class Phone {
  state = "idle";
  ended = "";
  closed = null;
  offered = ""; // the other side's description of its sound, as it came
  deaf = false; // a frozen page: hears nothing, answers nothing
  peak = 0;
  loudAt = 0;

  constructor({ url, extension, secret }) {
    Object.assign(this, { url, extension, secret });
    this.host = `${word()}.invalid`;
    this.own = `sip:${extension}@ccserver.invalid`;
    this.contact = `<sip:${extension}@${this.host};transport=ws>`;
    this.waiting = new Map();
  }

  connect() {
    this.socket = new WebSocket(this.url, "sip");
    this.socket.onmessage = (event) => this.deaf || this.hear(parse(event.data));
    return new Promise((resolve, reject) => {
      this.socket.onopen = () => resolve();
      this.socket.onclose = (event) => {
        this.closed = event.code;
        reject(new Error(`the WebSocket closed: ${event.code}`));
      };
    });
  }

  // ---- what a person does

  async register() {
    const answer = await this.ask({ method: "REGISTER", uri: "sip:ccserver.invalid", to: this.own, callId: word() });
    return answer.status;
  }

  async call(number) {
    const uri = `sip:${number}@ccserver.invalid`;
    this.talk = { callId: word(), tag: word(), sequence: 1, local: this.own, remote: uri };
    this.state = "calling";
    await this.open();
    await this.connection.setLocalDescription(await this.connection.createOffer());
    const answer = await this.ask({ method: "INVITE", uri, to: uri, ...this.talk, body: await this.described() });
    if (answer.status >= 300) return this.finish(answer.start);
    this.talk.remoteTag = tagOf(answer.headers.to[0]);
    this.talk.target = addressIn(answer.headers.contact[0]);
    this.offered = answer.body;
    await this.connection.setRemoteDescription({ type: "answer", sdp: answer.body });
    this.state = "up";
    return answer.status;
  }

  async answer() {
    await this.open();
    await this.respond(this.invite);
    this.state = "up";
  }

  async hangUp() {
    const { callId, local, target, remote, tag, remoteTag } = this.talk;
    this.talk.sequence += 1;
    const { sequence } = this.talk;
    await this.ask({ method: "BYE", uri: target, to: remote, local, callId, tag, remoteTag, sequence });
    this.finish("hung up here");
  }

  mute(silent) {
    for (const sender of this.connection.getSenders()) sender.track.enabled = !silent;
  }

  // ---- sound

  async open() {
    this.connection = new RTCPeerConnection();
    const microphone = await navigator.mediaDevices.getUserMedia({ audio: true });
    for (const track of microphone.getTracks()) this.connection.addTrack(track, microphone);
    this.connection.ontrack = (event) => this.listen(event.streams[0] ?? new MediaStream([event.track]));
  }

  listen(stream) {
    this.speaker = Object.assign(new Audio(), { srcObject: stream, autoplay: true });
    this.context = new AudioContext();
    const meter = this.context.createAnalyser();
    this.context.createMediaStreamSource(stream).connect(meter);
    const samples = new Float32Array(meter.fftSize);
    this.metering = setInterval(() => {
      meter.getFloatTimeDomainData(samples);
      const level = Math.sqrt(samples.reduce((sum, one) => sum + one * one, 0) / samples.length);
      this.peak = Math.max(this.peak, level);
      if (level > LOUD) this.loudAt = performance.now();
    }, 20);
  }

  // Our description with its candidates; without a STUN server they are complete within milliseconds.
  async described() {
    const { connection } = this;
    if (connection.iceGatheringState !== "complete") {
      await new Promise((resolve) => {
        connection.addEventListener("icegatheringstatechange", () => {
          if (connection.iceGatheringState === "complete") resolve();
        });
      });
    }
    return connection.localDescription.sdp;
  }

  quietFor() {
    return performance.now() - this.loudAt;
  }

  async stats() {
    const all = [...(await this.connection.getStats()).values()];
    const one = (type) => all.find((row) => row.type === type) ?? {};
    const codec = (row) => all.find((other) => other.id === row.codecId)?.mimeType ?? "";
    const [sent, received, way] = [one("outbound-rtp"), one("inbound-rtp"), one("transport")];
    return {
      sent: sent.packetsSent ?? 0,
      received: received.packetsReceived ?? 0,
      lost: received.packetsLost ?? 0,
      energy: received.totalAudioEnergy ?? 0,
      codecs: [codec(sent), codec(received)],
      dtls: way.dtlsState ?? "",
      tls: way.tlsVersion ?? "",
      cipher: way.srtpCipher ?? "",
      peak: this.peak,
    };
  }

  // ---- requests of ours

  // The final answer, after a password was asked for and given once.
  async ask(request) {
    const asked = { tag: word(), sequence: 1, local: this.own, ...request };
    let answer = await this.send(asked);
    const challenge = answer.headers["www-authenticate"] ?? answer.headers["proxy-authenticate"];
    if ((answer.status === 401 || answer.status === 407) && challenge) {
      const proof = { method: asked.method, uri: asked.uri, user: this.extension, password: this.secret };
      const header = answer.status === 401 ? "Authorization" : "Proxy-Authorization";
      asked.sequence += 1;
      if (asked.method === "INVITE") this.talk.sequence = asked.sequence;
      answer = await this.send({ ...asked, proof: [header, credentials(challenge[0], proof)] });
    }
    this.status = answer.status;
    return answer;
  }

  send(request) {
    this.socket.send(this.written(request, `z9hG4bK${word()}`));
    const key = `${request.callId} ${request.sequence} ${request.method}`;
    return new Promise((resolve) => {
      this.waiting.set(key, { resolve, request });
    });
  }

  written({ method, uri, to, local, callId, tag, remoteTag, sequence, proof, body }, branch) {
    const headers = [
      ["Via", `SIP/2.0/WSS ${this.host};branch=${branch}`],
      ["Max-Forwards", "70"],
      ["From", `<${local}>;tag=${tag}`],
      ["To", remoteTag ? `<${to}>;tag=${remoteTag}` : `<${to}>`],
      ["Call-ID", callId],
      ["CSeq", `${sequence} ${method}`],
      ["Contact", method === "BYE" ? undefined : this.contact],
      ["Expires", method === "REGISTER" ? "300" : undefined],
      ["Allow", method === "INVITE" ? "INVITE, ACK, CANCEL, BYE, OPTIONS" : undefined],
    ];
    return write(`${method} ${uri} SIP/2.0`, proof ? [...headers, proof] : headers, body);
  }

  acknowledge(request, answer) {
    const accepted = answer.status < 300;
    const uri = accepted ? addressIn(answer.headers.contact[0]) : request.uri;
    // A refusal's ACK belongs to the request's own transaction.
    const branch = accepted ? `z9hG4bK${word()}` : /branch=([^;]+)/.exec(answer.headers.via[0])[1];
    const remoteTag = tagOf(answer.headers.to[0]);
    this.socket.send(this.written({ ...request, method: "ACK", uri, remoteTag, body: "", proof: undefined }, branch));
  }

  // ---- what comes in

  hear(message) {
    if (!message.status) return this.requested(message);
    if (message.status < 200) return undefined;
    const key = `${message.callId} ${message.sequence} ${message.method}`;
    const asked = this.waiting.get(key);
    if (!asked) return undefined;
    this.waiting.delete(key);
    if (message.method === "INVITE") this.acknowledge(asked.request, message);
    return asked.resolve(message);
  }

  requested(message) {
    const mine = message.callId === this.talk?.callId;
    if (message.method === "ACK") return undefined;
    if (message.method === "OPTIONS") return this.reply(message, "200 OK");
    if (message.method === "INVITE") return mine ? this.respond(message) : this.ring(message);
    if (!mine) return this.reply(message, "481 Call/Transaction Does Not Exist");
    if (message.method === "CANCEL") this.reply(this.invite, "487 Request Terminated");
    this.reply(message, "200 OK");
    return ["BYE", "CANCEL"].includes(message.method) && this.finish(message.headers.reason?.[0] ?? message.method);
  }

  ring(message) {
    if (!["idle", "over"].includes(this.state)) return this.reply(message, "486 Busy Here");
    const [from] = message.headers.from;
    this.invite = message;
    this.talk = {
      callId: message.callId,
      tag: word(),
      sequence: 1,
      local: this.own,
      remote: addressIn(from),
      remoteTag: tagOf(from),
      target: addressIn(message.headers.contact[0]),
    };
    this.offered = message.body;
    this.state = "ringing";
    return this.reply(message, "180 Ringing");
  }

  async respond(invite) {
    await this.connection.setRemoteDescription({ type: "offer", sdp: invite.body });
    await this.connection.setLocalDescription(await this.connection.createAnswer());
    this.reply(invite, "200 OK", await this.described());
  }

  reply(message, status, body = "") {
    const { via, from, to, cseq } = message.headers;
    const headers = [
      ...via.map((one) => ["Via", one]),
      ["From", from[0]],
      ["To", tagOf(to[0]) ? to[0] : `${to[0]};tag=${this.talk?.tag ?? word()}`],
      ["Call-ID", message.callId],
      ["CSeq", cseq[0]],
      ["Contact", this.contact],
    ];
    this.socket.send(write(`SIP/2.0 ${status}`, headers, body));
  }

  finish(why) {
    this.state = "over";
    this.ended = why;
    clearInterval(this.metering);
    this.context?.close();
    this.connection?.close();
    return this.status;
  }
}
