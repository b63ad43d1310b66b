// Node ws broadcasting the same bytes to every client: node fanout_ws.mjs <ws package> <clients> <rounds> <pace ms> <bytes>
import { createRequire } from "node:module";

const [folder, ...numbers] = process.argv.slice(2);
const [clients, rounds, pace, bytes] = numbers.map(Number);
const { WebSocketServer } = createRequire(`${folder}/`)("ws");

const text = Buffer.from("x".repeat(bytes));
const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false }, () => {
  console.log(JSON.stringify({ port: server.address().port }));
});

let connected = 0;
server.on("connection", () => {
  connected += 1;
  if (connected === clients) setTimeout(run, 500);
});

function idle(then) {
  for (const socket of server.clients) if (socket.bufferedAmount) return setImmediate(idle, then);
  then();
}

function run() {
  const before = process.cpuUsage();
  const began = process.hrtime.bigint();
  let left = rounds;
  const step = () => {
    if (left === 0) return idle(report);
    left -= 1;
    for (const socket of server.clients) socket.send(text, { binary: false });
    return pace ? setTimeout(step, pace) : idle(() => setImmediate(step));
  };
  const report = () => {
    const { user, system } = process.cpuUsage(before);
    const seconds = Number(process.hrtime.bigint() - began) / 1e9;
    console.log(JSON.stringify({ cpu_us: user + system, user_us: user, seconds, frames: clients * rounds }));
    process.exit(0);
  };
  step();
}
