// Runs the Node halves of the differential scenarios: node agent.js PORT
// Takes orders, one JSON object a line, over a connection to 127.0.0.1:PORT, and reports the same way:
//   {start: id, role, code, port}  ->  {id, port} once a server listens, {id, line} for each line of
//                                      the trace, {id, done: true} when all its sessions have closed
//                                      and {id, after: number, ms} for what it has put off
//   {fire: id, after: number}          calls that
//   {sync: number}                 ->  {synced: number} after some turns of the event loop
//   {finish: id}                   ->  {id, finished: true} when nothing of it is left
// `code` is the body of a function of (t, http2, require), `t` being the Tracer below; its twin for
// Lua is spec/support/tracer.lua, and both must print alike.
"use strict";

const http2 = require("http2");
const net = require("net");
const readline = require("readline");

const control = net.connect(Number(process.argv[2]), "127.0.0.1");

function report(message) {
    control.write(JSON.stringify(message) + "\n");
}

// ------------------------------------------------------------------------- values as text

function showError(error) {
    const name = error.name === "Error" ? "" : error.name + " ";
    const cause = error.cause instanceof Error ? " because of " + showError(error.cause) : "";
    return `${name}${error.code || JSON.stringify(error.message)}${cause}`;
}

function showObject(object) {
    const keys = Object.keys(object).filter(key => key !== "date").sort();
    const entries = keys.map(key => `${key}: ${show(object[key])}`);
    const sensitive = object[http2.sensitiveHeaders];
    if (sensitive && sensitive.length > 0)
        entries.push(`sensitive: ${show(sensitive)}`);
    return `{${entries.join(", ")}}`;
}

function show(value) {
    if (value === undefined || value === null)
        return "nil";
    if (value instanceof Error)
        return showError(value);
    if (Buffer.isBuffer(value))
        return JSON.stringify(value.toString("latin1"));
    if (Array.isArray(value) && value.length > 0)
        return `[${value.map(show).join(", ")}]`;
    if (typeof value === "string")
        return JSON.stringify(value);
    if (typeof value === "object")
        return Object.getPrototypeOf(value) === null || value.constructor === Object
            || Array.isArray(value) ? showObject(value) : "object";
    return typeof value === "function" ? "function" : String(value);
}

// ------------------------------------------------------------------------------ the tracer

const streamEvents = {
    ready: 0, response: 2, headers: 2, continue: 0, push: 2, trailers: 2, aborted: 0,
    frameError: 3, finish: 0, end: 0, error: 1,
};
const sessionEvents = {connect: 0, goaway: 3, frameError: 3, error: 1};

class Tracer {
    constructor(order) {
        this.id = order.start;
        this.port = order.port;
        this.sessions = new Set();
        this.servers = new Set();
        this.pending = null; // data that came in a row: {label, octets}
        this.finishing = false;
        this.putOff = [];
    }

    line(text) {
        if (!this.finishing)
            report({id: this.id, line: text});
    }

    flush() {
        const pending = this.pending;
        this.pending = null;
        if (pending)
            this.line(`${pending.label} data ${pending.octets}`);
    }

    log(...values) {
        this.flush();
        this.line(values.map(value => typeof value === "string" ? value
            : Buffer.isBuffer(value) ? value.toString("latin1") : show(value)).join(" "));
    }

    // What a call gives or throws.
    attempt(label, fn) {
        let result;
        try {
            result = fn();
        } catch (error) {
            this.log(label, "threw", error);
            return undefined;
        }
        this.log(label, "gave", result);
        return result;
    }

    // Notes events of an object with so many of their arguments.
    watch(object, label, events) {
        for (const [name, count] of Object.entries(events))
            object.on(name, (...values) =>
                this.log(label, name, ...values.slice(0, count).map(show)));
    }

    stream(stream, label) {
        label = label || "stream " + stream.id;
        this.watch(stream, label, streamEvents);
        stream.on("close", () =>
            this.log(label, "close", stream.rstCode + (stream.aborted ? " aborted" : "")));
        return stream;
    }

    read(stream, label) {
        label = label || "stream " + stream.id;
        stream.on("data", chunk => {
            if (this.pending && this.pending.label !== label)
                this.flush();
            this.pending = this.pending || {label, octets: 0};
            this.pending.octets += chunk.length;
        });
        return stream;
    }

    session(session, label) {
        this.sessions.add(session);
        this.watch(session, label || "session", sessionEvents);
        session.on("close", () => {
            this.log(label || "session", "close");
            this.sessions.delete(session);
            if (this.sessions.size === 0 && !this.finishing) {
                this.flush();
                report({id: this.id, done: true});
            }
        });
        return session;
    }

    connect(options, label) {
        const session = http2.connect(`http://127.0.0.1:${this.port}`, options);
        return this.session(session, label);
    }

    // A request whose events are noted; its body is read unless the program does otherwise.
    request(session, headers, options, label) {
        return this.stream(session.request(headers, options), label || "request");
    }

    // Closes the session after its last request, when what else belongs to that has happened.
    closeAfter(request, session) {
        request.on("close", () => this.after(20, () => session.close()));
    }

    // A server whose streams go to the handler, all of them noted.
    serve(options, handler) {
        const server = http2.createServer(options || {});
        server.on("stream", (stream, headers, flags, raw) => {
            this.log("server stream", stream.id, headers, flags);
            this.stream(stream);
            if (handler)
                handler(stream, headers, flags, raw);
        });
        return this.listen(server);
    }

    listen(server) {
        this.servers.add(server);
        this.watch(server, "server", {sessionError: 1, error: 1});
        server.on("session", session => this.session(session));
        server.listen(0, "127.0.0.1", () => this.listening(server.address().port));
        return server;
    }

    // Says where to connect to.
    listening(port) {
        report({id: this.id, port});
    }

    // Puts a call off: spec/support/clock.lua says when it is time.
    after(ms, fn) {
        if (!this.finishing)
            report({id: this.id, after: this.putOff.push(fn) - 1, ms});
    }

    // The same by the clock on the wall, beside timeouts of the library.
    later(ms, fn) {
        setTimeout(fn, ms);
    }

    finish() {
        this.flush();
        this.finishing = true;
        for (const session of this.sessions)
            session.destroy();
        for (const server of this.servers)
            server.close();
        report({id: this.id, finished: true});
    }
}

// ------------------------------------------------------------------------------ the orders

const tracers = new Map();

// Whose uncaught error it is cannot be known when both ends are here: such a scenario has one.
process.on("uncaughtException", error => {
    for (const tracer of tracers.values())
        tracer.log("uncaught", error);
});

readline.createInterface({input: control}).on("line", line => {
    const order = JSON.parse(line);
    if (order.start !== undefined) {
        const tracer = new Tracer(order);
        tracers.set(order.start, tracer);
        new Function("t", "http2", "require", order.code)(tracer, http2, require);
    } else if (order.sync !== undefined) {
        setTimeout(() => setImmediate(() => report({synced: order.sync})), 4);
    } else if (order.fire !== undefined) {
        tracers.get(order.fire).putOff[order.after]();
    } else {
        tracers.get(order.finish).finish();
        tracers.delete(order.finish);
    }
});
control.on("close", () => process.exit(0));
