// SIP messages (RFC 3261) and the digest that proves a password (RFC 7616, MD5 and qop=auth as Asterisk asks).

import { md5 } from "./md5.js";

export const word = () => crypto.randomUUID().replaceAll("-", "").slice(0, 16);

// {start, method or status, headers: lower case name -> values in order, body}
export function parse(text) {
  const [head, ...rest] = text.split("\r\n\r\n");
  const [start, ...lines] = head.split("\r\n");
  const headers = {};
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).trim().toLowerCase();
    (headers[name] ??= []).push(line.slice(colon + 1).trim());
  }
  const answer = start.startsWith("SIP/2.0 ");
  return {
    start,
    status: answer ? Number(start.slice(8, 11)) : 0,
    method: answer ? headers.cseq[0].split(" ")[1] : start.split(" ")[0],
    sequence: Number(headers.cseq[0].split(" ")[0]),
    callId: headers["call-id"][0],
    headers,
    body: rest.join("\r\n\r\n"),
  };
}

export function write(start, headers, body = "") {
  const lines = headers.filter(([, value]) => value !== undefined).map(([name, value]) => `${name}: ${value}`);
  if (body) lines.push("Content-Type: application/sdp");
  lines.push(`Content-Length: ${new TextEncoder().encode(body).length}`);
  return `${[start, ...lines].join("\r\n")}\r\n\r\n${body}`;
}

export const tagOf = (value) => /;tag=([^;>\s]+)/.exec(value)?.[1];
export const addressIn = (value) => /<([^>]+)>/.exec(value)?.[1] ?? value.split(";")[0];

export function credentials(challenge, { method, uri, user, password }) {
  const asked = (name) => new RegExp(`\\b${name}="?([^",]*)`, "i").exec(challenge)?.[1] ?? "";
  const [realm, nonce, opaque, cnonce] = [asked("realm"), asked("nonce"), asked("opaque"), word()];
  const secret = md5(`${user}:${realm}:${password}`);
  const response = md5(`${secret}:${nonce}:00000001:${cnonce}:auth:${md5(`${method}:${uri}`)}`);
  const parts = { username: user, realm, nonce, uri, response, opaque, cnonce };
  const quoted = Object.entries(parts).map(([name, value]) => `${name}="${value}"`);
  return `Digest ${quoted.join(", ")}, algorithm=MD5, qop=auth, nc=00000001`;
}
