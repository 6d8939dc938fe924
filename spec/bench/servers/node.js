// The same as http2.lua beside it, on Node's http2: node.js port=N [host=A] [api=core|compat]
// [root=FOLDER] [key=FILE cert=FILE] [memory=MB of a session]
"use strict";

const http2 = require("http2");
const fs = require("fs");

const options = {host: "127.0.0.1", api: "core"};
for (const argument of process.argv.slice(2)) {
    const at = argument.indexOf("=");
    options[argument.slice(0, at)] = argument.slice(at + 1);
}
const settings = options.memory ? {maxSessionMemory: Number(options.memory)} : {};
const server = options.key
    ? http2.createSecureServer({
        ...settings, key: fs.readFileSync(options.key), cert: fs.readFileSync(options.cert),
    })
    : http2.createServer(settings);

const bodies = new Map();
function bodyOf(path) {
    let body = bodies.get(path);
    if (body === undefined) {
        const size = Number(path.slice(1));
        body = size === 13 ? Buffer.from("hello, world\n") : Buffer.alloc(size, "x");
        bodies.set(path, body);
    }
    return body;
}

function answerCore(stream, path) {
    const body = bodyOf(path);
    stream.respond({
        ":status": 200, "content-type": "text/plain", "content-length": body.length,
    });
    stream.end(body);
}

function serveCore(stream, headers) {
    const path = headers[":path"];
    stream.on("error", () => {});
    if (headers[":method"] === "POST") {
        stream.on("data", () => {});
        stream.on("end", () => answerCore(stream, "/13"));
    } else if (path.startsWith("/file/")) {
        stream.respondWithFile(options.root + path, {"content-type": "text/plain"});
    } else {
        answerCore(stream, path);
    }
}

function answerCompat(response, path) {
    const body = bodyOf(path);
    response.setHeader("content-type", "text/plain");
    response.setHeader("content-length", body.length);
    response.end(body);
}

function serveCompat(request, response) {
    if (request.method === "POST") {
        request.on("data", () => {});
        request.on("end", () => answerCompat(response, "/13"));
    } else {
        answerCompat(response, request.url);
    }
}

if (options.api === "core")
    server.on("stream", serveCore);
else
    server.on("request", serveCompat);
server.on("sessionError", () => {});
server.listen({port: Number(options.port), host: options.host, backlog: 4096});
