// Node's http2 server for a client: node node_server.js [CERT KEY]
// It prints "listening on PORT" and answers as spec/support/test_server.lua does, as far as specs ask.
"use strict";

const http2 = require("http2");
const fs = require("fs");
const payload = require("./payload");

const [cert, key] = process.argv.slice(2);

let aborts = 0;

const routes = {
    "/": stream => {
        stream.respond({":status": 200, "content-type": "text/plain"});
        stream.end("hello, world\n");
    },
    "/echo": stream => {
        stream.respond();
        stream.pipe(stream);
    },
    "/size": (stream, size) => {
        const body = payload.make(size);
        stream.respond({"content-length": body.length});
        if (!stream.headRequest)
            stream.end(body);
    },
    "/trailers": stream => {
        stream.respond({}, {waitForTrailers: true});
        stream.on("wantTrailers", () => stream.sendTrailers({"x-check": "done"}));
        stream.end("with trailers");
    },
    "/interim": stream => {
        stream.additionalHeaders({":status": 103, "link": "</style.css>"});
        stream.respond();
        stream.end("at last");
    },
    "/reset": (stream, code) => {
        stream.on("error", () => {});
        stream.close(code);
    },
    "/count": (stream, digits) => {
        let sent = 0;
        const next = () => ++sent < digits
            ? stream.write(String(sent % 10), next) : stream.end(String(sent % 10));
        stream.respond();
        next();
    },
    "/hang": stream => stream.on("aborted", () => aborts++),
    "/aborts": stream => {
        stream.respond();
        stream.end(String(aborts));
    },
    "/goaway": stream => {
        stream.respond();
        stream.session.close();
        stream.end("the last");
    },
};

function serve(stream, headers) {
    const [, path, number] = headers[":path"].match(/^(\/[^/]*)(?:\/(\d+))?$/);
    if (routes[path])
        routes[path](stream, Number(number));
    else
        stream.respond({":status": 404}, {endStream: true});
}

// Node refuses streams of a session that holds more than 10 MB: the bodies asked for are that large.
const options = {maxSessionMemory: 100};
const server = cert
    ? http2.createSecureServer(
        {...options, cert: fs.readFileSync(cert), key: fs.readFileSync(key)})
    : http2.createServer(options);
server.on("stream", serve);
server.listen(0, "127.0.0.1", () => console.log("listening on " + server.address().port));
