-- behaviour.md 17: responses from files and descriptors.
local differential = require("spec.support.differential")
local frames = require("spec.support.frames")
local programs = require("spec.support.programs")

-- A server whose stream is answered so.
local function server_that(node, lua)
    return {
        node = ("t.serve({}, stream => { %s });"):format(node),
        lua = function(t)
            t:serve({}, function(stream) lua(stream, t) end)
        end,
    }
end

-- In Node an empty DATA frame follows.
local function last_octets(length)
    return {{
        "the end goes with the last octets",
        node = {("DATA(1) %d"):format(length), "DATA(1) END_STREAM 0"},
        lua = {("DATA(1) END_STREAM %d"):format(length)}, trace = "server frames",
    }}
end

-- Node says so as soon as it has a descriptor.
local function not_finished(trace, line)
    return {{
        "what could not be sent has not finished",
        node = {"stream 1 finish", line}, lua = {line}, trace = trace,
    }}
end

local size = #assert(io.open("LICENSE", "rb")):read("a")

differential.describe("respondWithFile", function(scenario)
    scenario{
        "of a whole file",
        server = server_that([[
            stream.respondWithFile("LICENSE", {"content-type": "text/plain"});
            t.log("sent", stream.headersSent);
        ]], function(stream, t)
            stream:respondWithFile("LICENSE", {["content-type"] = "text/plain"})
            t:log("sent", stream.headersSent)
        end),
        client = programs.get,
        differs = last_octets(size),
    }

    for _, case in ipairs{
        {"of a part of a file", 10, 20, differs = last_octets(20)},
        {"from an offset to the end", 1000, -1, differs = last_octets(size - 1000)},
        {"of more than there is", 1000, 1000000, differs = last_octets(size - 1000)},
        {"of nothing", 10, 0, differs = {{
            "what has no octets ends with its headers",
            node = {"HEADERS(1) {:status: 200, content-length: 0, date: *}",
                "DATA(1) END_STREAM 0"},
            lua = {"HEADERS(1) END_STREAM {:status: 200, content-length: 0, date: *}"},
            trace = "server frames",
        }}},
    } do
        scenario{
            case[1],
            server = server_that(([[
                stream.respondWithFile("LICENSE", {}, {offset: %d, length: %d});
            ]]):format(case[2], case[3]), function(stream)
                stream:respondWithFile("LICENSE", {}, {offset = case[2], length = case[3]})
            end),
            client = programs.get,
            differs = case.differs,
        }
    end

    scenario{
        "with its own content-length and trailers",
        server = server_that([[
            stream.on("wantTrailers", () => stream.sendTrailers({"x-sum": "1"}));
            stream.respondWithFile("LICENSE", {"content-length": 1}, {waitForTrailers: true});
        ]], function(stream)
            stream:on("wantTrailers", function() stream:sendTrailers{["x-sum"] = "1"} end)
            stream:respondWithFile("LICENSE", {["content-length"] = 1}, {waitForTrailers = true})
        end),
        client = programs.get,
    }

    for _, path in ipairs{"no/such/file", "spec"} do
        scenario{
            "of " .. path .. ", with onError",
            server = server_that(([[
                stream.respondWithFile("%s", {}, {onError: error => {
                    t.log("onError", error);
                    stream.respond({":status": 404}, {endStream: true});
                }});
            ]]):format(path), function(stream, t)
                stream:respondWithFile(path, {}, {onError = function(err)
                    t:log("onError", err)
                    stream:respond({[":status"] = 404}, {endStream = true})
                end})
            end),
            client = programs.get,
        }

        scenario{
            "of " .. path .. ", without onError",
            server = server_that(('stream.respondWithFile("%s");'):format(path), function(stream)
                stream:respondWithFile(path)
            end),
            client = programs.get,
        }
    end

    scenario{
        "of a device",
        server = server_that('stream.respondWithFile("/dev/null");', function(stream)
            stream:respondWithFile("/dev/null")
        end),
        client = programs.get,
    }

    scenario{
        "of a part of a device",
        server = server_that([[
            stream.respondWithFile("/dev/null", {}, {offset: 0, onError: error => {
                t.log("onError", error);
                stream.close();
            }});
        ]], function(stream, t)
            stream:respondWithFile("/dev/null", {}, {offset = 0, onError = function(err)
                t:log("onError", err)
                stream:close()
            end})
        end),
        client = programs.get,
    }

    scenario{
        "with a statCheck that adds a field",
        server = server_that([[
            stream.respondWithFile("LICENSE", {}, {statCheck(stat, headers) {
                t.log("check", typeof stat.size, headers);
                headers["x-size"] = String(stat.size);
            }});
        ]], function(stream, t)
            stream:respondWithFile("LICENSE", {}, {statCheck = function(stat, headers)
                t:log("check", type(stat.size), headers)
                headers["x-size"] = tostring(stat.size)
            end})
        end),
        client = programs.get,
        differs = last_octets(size),
    }

    scenario{
        "with a statCheck that answers itself",
        server = server_that([[
            stream.respondWithFile("LICENSE", {}, {statCheck() {
                stream.respond({":status": 304});
                return false;
            }});
        ]], function(stream)
            stream:respondWithFile("LICENSE", {}, {statCheck = function()
                stream:respond({[":status"] = 304})
                return false
            end})
        end),
        client = programs.get,
    }

    scenario{
        "for a status without a body, and twice",
        server = server_that([[
            t.attempt("204", () => stream.respondWithFile("LICENSE", {":status": 204}));
            stream.respond({}, {endStream: true});
            t.attempt("twice", () => stream.respondWithFile("LICENSE"));
        ]], function(stream, t)
            t:attempt("204", function()
                return stream:respondWithFile("LICENSE", {[":status"] = 204})
            end)
            stream:respond({}, {endStream = true})
            t:attempt("twice", function() return stream:respondWithFile("LICENSE") end)
        end),
        client = programs.get,
    }

    scenario{
        "from an offset beyond the end of the file",
        server = server_that('stream.respondWithFile("LICENSE", {}, {offset: 100000});',
            function(stream) stream:respondWithFile("LICENSE", {}, {offset = 100000}) end),
        peer = function(peer)
            peer:send(frames.get(1))
            peer:await_answer(1)
            programs.part(peer)
        end,
        by_object = true,
        differs = {{
            "PORT: a length is never negative",
            node = {"HEADERS(1) {:status: 200, content-length: -98926, date: *}",
                "DATA(1) END_STREAM 0"},
            lua = {"HEADERS(1) END_STREAM {:status: 200, content-length: 0, date: *}"},
            trace = "frames",
        }},
    }

    scenario{
        "from an offset below the beginning",
        server = server_that([[
            t.attempt("call",
                () => stream.respondWithFile("LICENSE", {}, {offset: -5}));
            stream.close(8);
        ]], function(stream, t)
            t:attempt("call", function()
                return stream:respondWithFile("LICENSE", {}, {offset = -5})
            end)
            stream:close(8)
        end),
        client = programs.get,
        differs = {{
            "PORT: offsets are checked",
            node = {"call gave nil"}, lua = {"call threw TypeError ERR_INVALID_ARG_VALUE"},
            trace = "server",
        }},
    }

    scenario{
        "of no/such/file, with an onError that takes its time to answer",
        server = server_that([[
            stream.respondWithFile("no/such/file", {}, {onError() {
                stream.respond({":status": 404});
                stream.write("there is ");
                t.after(10, () => stream.end("nothing"));
            }});
        ]], function(stream, t)
            stream:respondWithFile("no/such/file", {}, {onError = function()
                stream:respond{[":status"] = 404}
                stream:write("there is ")
                t:after(10, function() stream:finish("nothing") end)
            end})
        end),
        client = programs.get,
    }

    scenario{
        "with a statCheck that cancels and answers later",
        server = server_that([[
            stream.respondWithFile("LICENSE", {}, {statCheck() {
                t.after(10, () => stream.respond({":status": 404}, {endStream: true}));
                return false;
            }});
        ]], function(stream, t)
            stream:respondWithFile("LICENSE", {}, {statCheck = function()
                t:after(10, function()
                    stream:respond({[":status"] = 404}, {endStream = true})
                end)
                return false
            end})
        end),
        client = programs.get,
    }

    scenario{
        "with a statCheck that adds a field which is none",
        server = server_that([[
            stream.respondWithFile("LICENSE", {}, {statCheck(stat, headers) {
                headers.connection = "close";
            }});
        ]], function(stream)
            stream:respondWithFile("LICENSE", {}, {statCheck = function(_, headers)
                headers.connection = "close"
            end})
        end),
        client = programs.get,
        differs = {{
            "what a handler does wrong is told by handlerError",
            node = {"stream 1 aborted", "stream 1 error TypeError "
                .. "ERR_HTTP2_INVALID_CONNECTION_HEADERS"},
            lua = {"server handlerError TypeError ERR_HTTP2_INVALID_CONNECTION_HEADERS",
                "stream 1 aborted"},
            trace = "server",
        }},
    }

    scenario{
        "for a HEAD request",
        server = server_that([[
            t.attempt("HEAD", () => stream.respondWithFile("LICENSE"));
            stream.respond();
        ]], function(stream, t)
            t:attempt("HEAD", function() return stream:respondWithFile("LICENSE") end)
            stream:respond()
        end),
        client = {
            node = [[
                const session = t.connect();
                const request = t.request(session, {":method": "HEAD"});
                t.closeAfter(t.read(request, "request"), session);
            ]],
            lua = function(t)
                local session = t:connect()
                local request = t:request(session, {[":method"] = "HEAD"})
                t:close_after(t:read(request, "request"), session)
            end,
        },
    }

    scenario{
        "of a stream that is closed before the file is open",
        server = server_that([[
            stream.respondWithFile("LICENSE");
            stream.close(8);
        ]], function(stream)
            stream:respondWithFile("LICENSE")
            stream:close(8)
        end),
        client = programs.get,
    }
end)

differential.describe("respondWithFD", function(scenario)
    scenario{
        "of a part of an open file",
        server = server_that([[
            const fs = require("fs"), fd = fs.openSync("LICENSE", "r");
            stream.respondWithFD(fd, {"x-a": "1"}, {offset: 5, length: 100});
            t.log("sent", stream.headersSent);
            stream.on("close", () => t.log("size", fs.fstatSync(fd).size > 0));
        ]], function(stream, t)
            local file = assert(io.open("LICENSE", "rb"))
            stream:respondWithFD(file, {["x-a"] = "1"}, {offset = 5, length = 100})
            t:log("sent", stream.headersSent)
            stream:on("close", function() t:log("size", file:seek("end") > 0) end)
        end),
        client = programs.get,
        differs = last_octets(100),
    }

    scenario{
        "with a statCheck that moves the part",
        server = server_that([[
            stream.respondWithFD(require("fs").openSync("LICENSE", "r"), {}, {
                statCheck(stat, headers, options) {
                    options.offset = 1;
                    options.length = 2;
                },
            });
            t.log("sent", stream.headersSent);
        ]], function(stream, t)
            stream:respondWithFD(assert(io.open("LICENSE", "rb")), {}, {
                statCheck = function(_, _, options)
                    options.offset = 1
                    options.length = 2
                end,
            })
            t:log("sent", stream.headersSent)
        end),
        client = programs.get,
        differs = last_octets(2),
    }

    scenario{
        "of a descriptor that is none",
        server = server_that("stream.respondWithFD(9999);", function(stream)
            stream:respondWithFD(9999)
        end),
        client = programs.get,
        differs = not_finished("server", "stream 1 error ERR_HTTP2_STREAM_ERROR"),
    }

    scenario{
        "of a descriptor that is none, with a statCheck",
        server = server_that("stream.respondWithFD(9999, {}, {statCheck() {}});",
            function(stream)
                stream:respondWithFD(9999, {}, {statCheck = function() end})
            end),
        client = programs.get,
    }

    scenario{
        "of a descriptor of a folder",
        server = server_that('stream.respondWithFD(require("fs").openSync("spec", "r"));',
            function(stream) stream:respondWithFD(assert(io.open("spec", "rb"))) end),
        client = programs.get,
        differs = not_finished("server", "stream 1 error ERR_HTTP2_STREAM_ERROR"),
    }

    scenario{
        "and a write behind it",
        server = server_that([[
            stream.respondWithFD(require("fs").openSync("LICENSE", "r"));
            t.log("gave", stream.write("no", error => t.log("callback", error)));
        ]], function(stream, t)
            stream:respondWithFD(assert(io.open("LICENSE", "rb")))
            t:log("gave", stream:write("no", function(err) t:log("callback", err) end))
        end),
        client = programs.get,
        differs = last_octets(size),
    }

    scenario{
        "of a file for a client that goes away",
        server = server_that([[
            stream.respondWithFD(require("fs").openSync("/dev/zero", "r"));
        ]], function(stream)
            stream:respondWithFD(assert(io.open("/dev/zero", "rb")))
        end),
        peer = function(peer)
            peer:send(frames.get(1))
            local octets = 0
            repeat -- until the window is empty
                octets = octets + #peer:await_frame(frames.DATA, 1).payload
            until octets == 65535
            peer:send(frames.rst_stream(1, 8))
            differential.pause(0.05)
        end,
        lasts = 0.05,
        differs = not_finished("events", "stream 1 close 8"),
    }
end)
