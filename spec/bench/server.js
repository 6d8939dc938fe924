// Answers every request with 13 octets: server.js PORT [FOLDER with key.pem and cert.pem]
"use strict";

const http2 = require("http2");
const fs = require("fs");

const [port, folder] = process.argv.slice(2);
const server = folder
    ? http2.createSecureServer({
        key: fs.readFileSync(folder + "/key.pem"), cert: fs.readFileSync(folder + "/cert.pem"),
    })
    : http2.createServer();

server.on("stream", stream => {
    stream.on("error", () => {});
    stream.respond({":status": 200, "content-type": "text/plain", "content-length": 13});
    stream.end("hello, world\n");
});
server.listen(Number(port), "127.0.0.1");
