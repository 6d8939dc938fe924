-- respondWithFile of what is no ordinary file, or changes or is asked for by many meanwhile.
local files = require("spec.support.files")
local leaks = require("spec.support.leaks")
local loop = require("spec.support.loop")
local pair = require("spec.support.pair")
local payload = require("spec.support.payload")
local process = require("spec.support.process")
local timers = require("http2.timers")

local path, serve, write = files.path, files.serve, files.write

local function after(ms, fn)
    return timers.setTimeout(fn, ms)
end

files.use_folder()

describe("respondWithFile, out of the ordinary,", function()
    after_each(loop.clean)

    it("says 503 when a quarter of all descriptors are files being sent", function()
        local large = write("large", payload.make(1000000))
        local statuses = {}
        local script = write("limited.lua", ([[
            local http2 = require("http2")
            local server = http2.createServer({settings = {maxConcurrentStreams = 1000}})
            server:on("stream", function(stream)
                stream:on("error", function() end)
                stream:respondWithFile(%q)
            end)
            server:listen(0, "127.0.0.1", function()
                local session = http2.connect("http://127.0.0.1:" .. server:address().port)
                local left, counts = 20, {}
                session:once("remoteSettings", function()
                    for _ = 1, 20 do
                        local stream = session:request()
                        stream:on("response", function(headers)
                            local status = headers[":status"]
                            counts[status] = (counts[status] or 0) + 1
                            left = left - 1
                            if left == 0 then
                                print(counts[200], counts[503])
                                os.exit(0, true)
                            end
                        end)
                    end
                end)
            end)
            http2.run()
        ]]):format(large))
        local result = process.run({"sh", "-c", ("ulimit -n 64; exec %s %s"):format(
            process.interpreter(), script)}, {ours = true})
        statuses[1], statuses[2] = result.out:match("(%d+)%s+(%d+)")
        assert.same({"16", "4"}, statuses, result.err)
    end)

    it("does not send directories", function()
        local _, other = serve(function(stream)
            stream:respondWithFile(path("."))
        end)
        assert.equal("ERR_HTTP2_SEND_FILE", other.err.code)
    end)

    it("sends special files whole only", function()
        local view = serve(function(stream)
            stream:respondWithFile("/dev/null")
        end)
        assert.equal(200, view.status)
        assert.is_nil(view.headers["content-length"])
        assert.equal("", view.body)
        for _, options in ipairs{{offset = 0}, {length = 0}, {offset = 3, length = 4}} do
            local _, other = serve(function(stream)
                stream:respondWithFile("/dev/null", {}, options)
            end)
            assert.equal("ERR_HTTP2_SEND_FILE_NOSEEK", other.err.code)
        end
    end)

    it("streams a device without an end for as long as somebody reads", function()
        local got = 0
        pair.play{
            server = function(server)
                server:on("stream", function(stream)
                    stream:respondWithFile("/dev/zero")
                end)
            end,
            client = function(session)
                local stream = session:request()
                stream:on("data", function(chunk)
                    got = got + #chunk
                    if got > 1000000 then
                        stream:close(8)
                    end
                end)
                stream:on("close", function()
                    session:close()
                end)
            end,
        }
        assert.is_true(got > 1000000)
    end)

    it("streams a FIFO as it is written, and nobody waits for it", function()
        assert(os.execute("mkfifo " .. path("fifo")))
        local log = {}
        local file = write("some", "plain")
        pair.play{
            server = function(server)
                server:on("stream", function(stream, headers)
                    stream:respondWithFile(headers[":path"]:sub(2))
                end)
            end,
            client = function(session)
                local left = 12
                local function get(target, name, done)
                    local stream = session:request({[":path"] = "/" .. target})
                    pair.collect(stream, function(body)
                        log[#log + 1] = name .. body
                        if done then
                            done()
                        end
                    end)
                    stream:on("close", function()
                        left = left - 1
                        if left == 0 then
                            session:close()
                        end
                    end)
                end
                get(path("fifo"), "fifo ")
                -- More than libuv has threads: they must not hold up anything.
                local idle = {}
                for i = 1, 10 do
                    os.execute(("mkfifo %s%d"):format(path("idle"), i))
                    idle[i] = session:request({[":path"] = "/" .. path("idle") .. i})
                    idle[i]:resume():on("close", function()
                        left = left - 1
                        if left == 0 then
                            session:close()
                        end
                    end)
                end
                get(file, "file ", function()
                    os.execute(("(printf abc; sleep 0.1; printf def) > %s &"):format(path("fifo")))
                    for i = 1, 10 do
                        idle[i]:close(8)
                    end
                end)
            end,
        }
        assert.same({"file plain", "fifo abcdef"}, log)
    end)

    it("never ends a file that shrinks as if it were whole", function()
        local size = 3000000
        local file = write("shrinking", payload.make(size))
        local view, other = serve(function(stream)
            stream:respondWithFile(file, {}, {statCheck = function()
                -- Behind the sight of the length, before the octets.
                process.write_file(file, payload.make(1000000))
            end})
        end)
        assert.equal(tostring(size), view.headers["content-length"])
        assert.equal(2, view.code)
        assert.equal("ERR_HTTP2_STREAM_ERROR", view.err.code)
        assert.equal("ERR_HTTP2_STREAM_ERROR", other.err.code)
    end)

    it("does not send what a file has grown by", function()
        local file = write("growing", "0123456789")
        local view = serve(function(stream)
            stream:respondWithFile(file, {}, {statCheck = function()
                process.write_file(file, "0123456789abcdef")
            end})
        end)
        assert.equal("0123456789", view.body)
        assert.equal(0, view.code)
    end)

    it("opens what many want at once anew where it has changed meanwhile", function()
        local name = path("wanted")
        local function replace(content)
            process.write_file(name .. ".new", content)
            assert(os.rename(name .. ".new", name))
        end
        local before = {
            [1] = function() replace("octets") end, [3] = function() replace("longer octets") end,
            [5] = function() replace("other octets.") end, [7] = function() os.remove(name) end,
        }
        local bodies, asked, closed = {}, 0, 0
        pair.play{
            server = function(server)
                server:on("stream", function(stream) -- all of one read, and so of one turn
                    asked = asked + 1
                    if before[asked] then
                        before[asked]()
                    end
                    stream:respondWithFile(name, nil, {onError = function(err)
                        stream:respond{[":status"] = 404}
                        stream:finish(err.code)
                    end})
                end)
            end,
            client = function(session)
                for index = 1, 8 do
                    local stream = session:request{[":path"] = "/"}
                    pair.collect(stream, function(body)
                        bodies[index] = body
                    end)
                    stream:on("close", function()
                        closed = closed + 1
                        if closed == 8 then
                            session:close()
                        end
                    end)
                end
            end,
        }
        assert.same({"octets", "octets", "longer octets", "longer octets", "other octets.",
            "other octets.", "ENOENT", "ENOENT"}, bodies)
    end)

    it("closes the file, whatever becomes of the stream", function()
        local file = write("large", payload.make(1000000))
        local before = leaks.descriptors()
        serve(function(stream)
            stream:respondWithFile(file)
        end)
        serve(function(stream)
            stream:respondWithFile(file)
            stream:close(7)
        end)
        serve(function(stream)
            stream:respondWithFile(file)
            stream:destroy()
        end)
        serve(function(stream)
            stream:respondWithFile(file)
            after(10, function()
                stream:destroy()
            end)
        end, nil, {client_options = {settings = {initialWindowSize = 10}}})
        serve(function(stream)
            stream:respondWithFile(file)
            stream:respond({[":status"] = 404}, {endStream = true})
        end)
        assert.equal(before, leaks.descriptors())
    end)
end)
