// The same as http2.lua beside it, on Node's http2.
"use strict";

const http2 = require("http2");

const options = {method: "GET", size: "0"};
for (const argument of process.argv.slice(2)) {
    const at = argument.indexOf("=");
    options[argument.slice(0, at)] = argument.slice(at + 1);
}
const body = options.method === "POST" ? Buffer.alloc(Number(options.size), "x") : undefined;
const headers = {":method": options.method, ":path": options.path};
const limit = Number(options.requests || Infinity);
const seconds = Number(options.seconds || Infinity);
const now = () => Number(process.hrtime.bigint()) / 1e9;
const first = now(), firstClock = process.cpuUsage();
let begun = 0, done = 0, last, clock;

const session = http2.connect(options.origin, {rejectUnauthorized: false});

function onClose() {
    done++;
    last = now();
    clock = process.cpuUsage(firstClock);
    if (begun < limit && last - first < seconds)
        ask();
    else if (done === begun)
        session.close();
}

function onResponse(answer) {
    if (answer[":status"] !== 200)
        throw new Error("an answer that is not 200");
}

function onData() {}

function ask() {
    begun++;
    const stream = session.request(headers, {endStream: body === undefined});
    stream.on("response", onResponse);
    stream.on("data", onData);
    stream.on("close", onClose);
    if (body)
        stream.end(body);
}

for (let i = 0; i < Math.min(Number(options.streams), limit); i++)
    ask();
session.on("close", () => {
    const processor = (clock.user + clock.system) / 1e6;
    console.log(`${done} requests in ${(last - first).toFixed(6)} s, ` +
        `${processor.toFixed(6)} of the processor`);
});
