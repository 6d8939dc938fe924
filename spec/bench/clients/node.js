// The same as http2.lua beside it, on Node's http2.
"use strict";

const http2 = require("http2");

const options = {method: "GET", size: "0", sessions: "1"};
for (const argument of process.argv.slice(2)) {
    const at = argument.indexOf("=");
    options[argument.slice(0, at)] = argument.slice(at + 1);
}
const body = options.method === "POST" ? Buffer.alloc(Number(options.size), "x") : undefined;
const headers = {":method": options.method, ":path": options.path};
const streams = Number(options.streams), sessions = Number(options.sessions);
const limit = Number(options.requests || Infinity);
const seconds = Number(options.seconds || Infinity);
const now = () => Number(process.hrtime.bigint()) / 1e9;
const first = now(), firstClock = process.cpuUsage();
let begun = 0, done = 0, last, clock;

function onResponse(answer) {
    if (answer[":status"] !== 200)
        throw new Error("an answer that is not 200");
}

function onData() {}

function load() {
    const session = http2.connect(options.origin, {rejectUnauthorized: false});
    let running = 0;

    function ask() {
        begun++;
        running++;
        const stream = session.request(headers, {endStream: body === undefined});
        stream.on("response", onResponse);
        stream.on("data", onData);
        stream.on("close", onClose);
        if (body)
            stream.end(body);
    }

    function onClose() {
        done++;
        running--;
        last = now();
        if (begun < limit && last - first < seconds) {
            ask();
        } else if (running === 0) {
            clock = process.cpuUsage(firstClock);
            session.close();
        }
    }

    const number = Math.min(streams, limit - begun);
    for (let i = 0; i < number; i++)
        ask();
}

for (let i = 0; i < sessions; i++)
    load();
process.on("exit", () => {
    const processor = (clock.user + clock.system) / 1e6;
    console.log(`${done} requests in ${(last - first).toFixed(6)} s, ` +
        `${processor.toFixed(6)} of the processor`);
});
