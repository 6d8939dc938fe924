// Node's http2 client against a server: node node_client.js URL CA
// Prints one line for each check, "ok NAME" or "not ok NAME: reason", and fails with the first.
"use strict";

const http2 = require("http2");
const fs = require("fs");
const assert = require("assert");
const payload = require("./payload");

const [url, ca] = process.argv.slice(2);
const {NGHTTP2_CANCEL, NGHTTP2_ENHANCE_YOUR_CALM} = http2.constants;

function connect(options) {
    return new Promise((resolve, reject) => {
        // Node refuses streams of a session that holds more than 10 MB: bodies are that large here.
        const session = http2.connect(url,
            {maxSessionMemory: 100, ...options, ca: ca && fs.readFileSync(ca)});
        session.once("connect", () => resolve(session));
        session.once("error", reject);
    });
}

// {status, headers, trailers, body, code, error} of one request.
function request(session, headers, body) {
    return new Promise(resolve => {
        const result = {};
        const chunks = [];
        const stream = session.request(headers);
        stream.on("response", received => {
            result.status = received[":status"];
            result.headers = received;
        });
        stream.on("trailers", received => { result.trailers = received; });
        stream.on("data", chunk => chunks.push(chunk));
        stream.on("error", error => { result.error = error; });
        stream.on("close", () => {
            result.code = stream.rstCode;
            result.body = Buffer.concat(chunks);
            resolve(result);
        });
        stream.end(body);
    });
}

function same(result, size) {
    const wanted = payload.make(size);
    assert.ok(result.body.equals(wanted), `${result.body.length} octets of ${size}, `
        + `code ${result.code}, ${result.error}`);
}

function get(session, path) {
    return request(session, {":path": path});
}

function post(session, path, body) {
    return request(session, {":path": path, ":method": "POST"}, body);
}

const checks = {
    async "a single request"(session) {
        const result = await get(session, "/");
        assert.strictEqual(result.status, 200);
        assert.strictEqual(result.body.toString(), "hello, world\n");
        assert.strictEqual(result.headers["content-type"], "text/plain");
        assert.strictEqual(result.code, 0);
    },

    async "a path that is not there"(session) {
        const result = await get(session, "/nothing");
        assert.strictEqual(result.status, 404);
        assert.strictEqual(result.body.length, 0);
    },

    async "a HEAD request"(session) {
        const result = await request(session, {":path": "/size/1000", ":method": "HEAD"});
        assert.strictEqual(result.headers["content-length"], "1000");
        assert.strictEqual(result.body.length, 0);
    },

    async "100 parallel streams"(session) {
        const results = await Promise.all(Array.from({length: 100},
            (_, index) => get(session, "/size/" + index * 100)));
        results.forEach((result, index) => same(result, index * 100));
    },

    async "100 parallel uploads"(session) {
        const results = await Promise.all(Array.from({length: 100},
            (_, index) => post(session, "/echo", payload.make(index * 1000))));
        results.forEach((result, index) => same(result, index * 1000));
    },

    async "a body of 10 MB"(session) {
        const result = await get(session, "/size/10000000");
        same(result, 10000000);
    },

    async "an upload of 10 MB"(session) {
        const result = await post(session, "/echo", payload.make(10000000));
        same(result, 10000000);
    },

    async "a body octet by octet"(session) {
        const result = await get(session, "/count/200");
        assert.strictEqual(result.body.toString(), "1234567890".repeat(20));
    },

    async "trailers"(session) {
        const result = await get(session, "/trailers");
        assert.strictEqual(result.body.toString(), "with trailers");
        assert.strictEqual(result.trailers["x-check"], "done");
    },

    async "a reset by the server"(session) {
        const result = await get(session, "/reset/" + NGHTTP2_ENHANCE_YOUR_CALM);
        assert.strictEqual(result.code, NGHTTP2_ENHANCE_YOUR_CALM);
        assert.strictEqual(result.error.code, "ERR_HTTP2_STREAM_ERROR");
    },

    async "aborts by the client"(session) {
        const before = Number((await get(session, "/aborts")).body);
        const streams = Array.from({length: 20}, () => session.request({":path": "/hang"}));
        await get(session, "/"); // behind which the server has them all
        await Promise.all(streams.map(stream => new Promise(resolve => {
            stream.on("close", resolve).resume();
            stream.close(NGHTTP2_CANCEL);
        })));
        const result = await get(session, "/aborts");
        assert.strictEqual(Number(result.body) - before, 20);
    },

    async "an abort in the middle of a body"(session) {
        await new Promise(resolve => {
            const stream = session.request({":path": "/size/10000000"});
            stream.once("data", () => stream.close(NGHTTP2_CANCEL));
            stream.on("close", resolve);
        });
        assert.strictEqual((await get(session, "/")).status, 200);
    },

    async "a ping"(session) {
        await new Promise((resolve, reject) => session.ping(Buffer.from("12345678"),
            (error, duration, echoed) => {
                if (error || echoed.toString() !== "12345678")
                    reject(error || new Error("another payload"));
                else
                    resolve();
            }));
    },

    async "new settings"(session) {
        await new Promise((resolve, reject) => session.settings({initialWindowSize: 100000},
            error => error ? reject(error) : resolve()));
        assert.strictEqual((await get(session, "/size/200000")).body.length, 200000);
    },

    async "a window of one octet"() {
        const session = await connect({settings: {initialWindowSize: 1}});
        same(await get(session, "/size/1000"), 1000);
        session.close();
    },

    async "padding"() {
        const session = await connect({paddingStrategy: http2.constants.PADDING_STRATEGY_MAX});
        const result = await post(session, "/echo", payload.make(100000));
        same(result, 100000);
        session.close();
    },
};

async function main() {
    const session = await connect({});
    for (const [name, check] of Object.entries(checks)) {
        try {
            await check(session);
            console.log("ok " + name);
        } catch (error) {
            console.log("not ok " + name + ": " + error.message);
            process.exit(1);
        }
    }
    await new Promise(resolve => session.close(resolve));
    console.log("ok the end of the session");
}

main();
