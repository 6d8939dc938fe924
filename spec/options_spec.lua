-- The options of sessions, and what each does to the frames: of clients and of servers.
local http2 = require("http2")
local frames = require("spec.support.frames")
local loop = require("spec.support.loop")
local rawpeer = require("spec.support.rawpeer")

local constants = http2.constants

-- A client session with these options, and the scripted server at its other end.
local function client(options, settings)
    local listener = rawpeer.listen()
    local session = loop.track(http2.connect("http://127.0.0.1:" .. listener.port, options))
    session:on("error", function() end)
    local peer = listener:accept(settings)
    listener.close()
    peer:await_settings_ack()
    return session, peer
end

-- A server with these options whose streams go to `handler`, and a scripted client of it.
local function server(options, handler, settings)
    local object = loop.track(http2.createServer(options))
    object:on("stream", handler or function(stream)
        stream:respond()
        stream:finish("answer")
    end)
    object:listen(0, "127.0.0.1")
    local peer = rawpeer.connect(rawpeer.port_of(object), settings)
    return peer, object
end

local function fields(count)
    local list = {}
    for index = 1, count do
        list[#list + 1], list[#list + 2] = "x-" .. index, "value"
    end
    return list
end

local function heard(object, event)
    local log = {}
    object:on(event, function(...)
        log[#log + 1] = {...}
    end)
    return log
end

local function ignore_error(stream)
    stream:on("error", function() end)
    return stream
end

describe("options.settings", function()
    after_each(loop.clean)

    it("are the first frame of a client", function()
        local listener = rawpeer.listen()
        loop.track(http2.connect("http://127.0.0.1:" .. listener.port, {settings = {
            headerTableSize = 1000, maxFrameSize = 20000, customSettings = {[1000] = 7},
        }}))
        local peer = listener:accept_silent()
        listener.close()
        peer:read_preface()
        assert.equal(1000, peer.settings[frames.HEADER_TABLE_SIZE])
        assert.equal(20000, peer.settings[frames.MAX_FRAME_SIZE])
        assert.equal(7, peer.settings[1000])
        peer:close()
    end)

    it("are the first frame of a server", function()
        local object = loop.track(http2.createServer{settings = {
            maxConcurrentStreams = 7, enableConnectProtocol = true,
        }})
        object:listen(0, "127.0.0.1")
        local peer = rawpeer.open(rawpeer.port_of(object))
        peer:send(frames.preface, frames.settings())
        local first = peer:read()
        assert.equal(frames.SETTINGS, first.type)
        assert.equal(7, first.settings[frames.MAX_CONCURRENT_STREAMS])
        assert.equal(1, first.settings[frames.ENABLE_CONNECT_PROTOCOL])
        peer:close()
    end)
end)

describe("options.maxSettings", function()
    after_each(loop.clean)

    local function entries(count)
        local list = {}
        for index = 1, count do
            list[index] = {0x1000 + index, 1}
        end
        return list
    end

    it("bounds the entries that a server takes in one SETTINGS", function()
        local peer = server{maxSettings = 3}
        peer:send(frames.settings(entries(3)))
        peer:await_pong()
        peer:send(frames.settings(entries(4)))
        peer:await_fault("ENHANCE_YOUR_CALM")
    end)

    it("bounds those that a client takes", function()
        local session, peer = client{maxSettings = 3}
        local errors = heard(session, "error")
        peer:send(frames.settings(entries(4)))
        peer:await_fault("ENHANCE_YOUR_CALM")
        assert(rawpeer.turn_until(function() return session.destroyed or nil end))
        assert(rawpeer.turn_until(function() return errors[1] end))
        assert.equal("ERR_HTTP2_ERROR", errors[1][1].code)
    end)

    it("is 32 unless told otherwise", function()
        local peer = server{}
        peer:send(frames.settings(entries(32)))
        peer:await_pong()
        peer:send(frames.settings(entries(33)))
        peer:await_fault("ENHANCE_YOUR_CALM")
    end)
end)

describe("options.maxHeaderListPairs", function()
    after_each(loop.clean)

    it("bounds the fields of a request", function()
        local peer = server{maxHeaderListPairs = 6}
        peer:send(frames.get(1, "/", fields(2)))
        assert.equal(200, peer:await_answer(1).status)
        peer:send(frames.get(3, "/", fields(3)))
        peer:await_reset(3, "ENHANCE_YOUR_CALM")
        peer:await_service(5)
        peer:close()
    end)

    it("bounds the fields of a response", function()
        local session, peer = client{maxHeaderListPairs = 3}
        local stream = session:request()
        local errors = heard(stream, "error")
        peer:await_frame(frames.HEADERS, 1)
        peer:send(frames.response(1, 200, fields(3)))
        peer:await_reset(1, "ENHANCE_YOUR_CALM")
        assert(rawpeer.turn_until(function() return errors[1] end))
        assert.equal("ERR_HTTP2_STREAM_ERROR", errors[1][1].code)
        peer:close()
    end)

    it("is 4 at least for servers, 1 for clients", function()
        local ok, err = pcall(http2.createServer, {maxHeaderListPairs = 3})
        assert.is_false(ok)
        assert.equal("ERR_OUT_OF_RANGE", err.code)
        http2.createServer{maxHeaderListPairs = 4}
        local session, peer = client{maxHeaderListPairs = 1}
        local responses = heard(session:request(), "response")
        peer:await_frame(frames.HEADERS, 1)
        peer:send(frames.response(1, 200))
        assert(rawpeer.turn_until(function() return responses[1] end))
        peer:close()
    end)
end)

describe("options.maxSendHeaderBlockLength", function()
    after_each(loop.clean)

    it("keeps a client from sending more: frameError, and the session ends in order", function()
        local session, peer = client{maxSendHeaderBlockLength = 1000}
        local small = session:request{["x-field"] = ("x"):rep(500)}
        peer:await_frame(frames.HEADERS, 1)
        local stream = ignore_error(session:request{["x-field"] = ("x"):rep(1000)})
        local told = heard(stream, "frameError")
        assert(rawpeer.turn_until(function() return stream.destroyed or nil end))
        assert.same({{frames.HEADERS, constants.NGHTTP2_FRAME_SIZE_ERROR, 3}}, told)
        assert.is_true(session.closed)
        assert.is_false(small.destroyed)
        peer:send(frames.response(1, 200, nil, frames.END_HEADERS | frames.END_STREAM))
        small:resume()
        peer:await_end()
    end)

    it("keeps a server from sending more", function()
        local told
        local peer = server({maxSendHeaderBlockLength = 1000}, function(stream)
            ignore_error(stream)
            told = heard(stream, "frameError")
            stream:respond{["x-field"] = ("x"):rep(1000)}
        end)
        peer:send(frames.get(1))
        peer:await_frame(frames.RST_STREAM, 1)
        assert.same({{frames.HEADERS, constants.NGHTTP2_FRAME_SIZE_ERROR, 1}}, told)
        peer:await_end()
    end)
end)

describe("options.paddingStrategy", function()
    after_each(loop.clean)

    -- The frames of an exchange: HEADERS and DATA of a client, then those of a server.
    local function exchange(strategy)
        local session, from_client = client{paddingStrategy = strategy}
        local stream = session:request{[":method"] = "POST"}
        stream:finish(("x"):rep(100))
        local seen = {from_client:await_frame(frames.HEADERS, 1),
            from_client:await("DATA with octets", function(frame)
                return frame.type == frames.DATA and #frame.payload > 0
            end)}
        from_client:close()
        local from_server = server({paddingStrategy = strategy}, function(serving)
            serving:respond()
            serving:finish(("x"):rep(100))
        end)
        from_server:send(frames.get(1))
        seen[3] = from_server:await_frame(frames.HEADERS, 1)
        seen[4] = from_server:await("DATA with octets", function(frame)
            return frame.type == frames.DATA and #frame.payload > 0
        end)
        from_server:close()
        return seen
    end

    -- How much padding a frame has: the octets behind the content, and the one that counts them.
    local function padding(frame)
        if not frames.has(frame, frames.PADDED) then
            return 0
        end
        local count = frame.payload:byte()
        assert.equal(("\0"):rep(count), frame.payload:sub(-count))
        return 1 + count
    end

    it("NONE pads nothing", function()
        for _, frame in ipairs(exchange(constants.PADDING_STRATEGY_NONE)) do
            assert.equal(0, padding(frame))
        end
        for _, frame in ipairs(exchange(nil)) do
            assert.equal(0, padding(frame))
        end
    end)

    it("MAX pads HEADERS and DATA by 256 octets", function()
        for _, frame in ipairs(exchange(constants.PADDING_STRATEGY_MAX)) do
            assert.equal(256, padding(frame))
        end
    end)

    it("ALIGNED makes frames, with their headers, multiples of eight", function()
        for _, frame in ipairs(exchange(constants.PADDING_STRATEGY_ALIGNED)) do
            assert.equal(0, (9 + #frame.payload) % 8)
            assert.is_true(padding(frame) <= 8)
        end
    end)

    it("CALLBACK, which selectPadding was for, is ALIGNED", function()
        assert.equal(constants.PADDING_STRATEGY_CALLBACK, constants.PADDING_STRATEGY_ALIGNED)
        local called = false
        local peer = server{selectPadding = function()
            called = true
        end}
        peer:await_service(1)
        assert.is_false(called)
        peer:close()
    end)
end)

describe("options.peerMaxConcurrentStreams", function()
    after_each(loop.clean)

    it("holds until the server's SETTINGS are there", function()
        local listener = rawpeer.listen()
        local session = loop.track(http2.connect("http://127.0.0.1:" .. listener.port,
            {peerMaxConcurrentStreams = 2}))
        for _ = 1, 4 do
            session:request()
        end
        local peer = listener:accept_silent()
        listener.close()
        peer:read_preface()
        peer:await_frame(frames.HEADERS, 1)
        peer:await_frame(frames.HEADERS, 3)
        assert.is_nil(peer:read(0.05)) -- no third one
        peer:send(frames.settings{{frames.MAX_CONCURRENT_STREAMS, 3}})
        peer:await_frame(frames.HEADERS, 5)
        peer:send(frames.response(1, 204, nil, frames.END_HEADERS | frames.END_STREAM))
        peer:await_frame(frames.HEADERS, 7)
        peer:close()
    end)

    it("gives way to what the client has said of pushes", function()
        local log = {}
        local peer = server({peerMaxConcurrentStreams = 100}, function(stream)
            for index = 1, 2 do
                stream:pushStream({[":path"] = "/" .. index}, function(err, pushed)
                    log[index] = err and err.code or pushed.id
                    if index == 2 then
                        assert.is_true(err.retryable)
                        assert.equal("local", err.by)
                        stream:respond({}, {endStream = true})
                    end
                end)
            end
        end, {{frames.MAX_CONCURRENT_STREAMS, 1}})
        peer:send(frames.get(1))
        assert.equal(200, peer:await_answer(1).status)
        assert.same({2, "ERR_HTTP2_STREAM_ERROR"}, log)
        peer:close()
    end)
end)

describe("options.maxDeflateDynamicTableSize", function()
    after_each(loop.clean)

    local repeated = {["x-field"] = ("x"):rep(100), ["x-other"] = ("y"):rep(100)}

    -- How long the header blocks of two equal requests are.
    local function blocks(options)
        local session, peer = client(options)
        local sizes = {}
        for index = 1, 2 do
            session:request(repeated)
            sizes[index] = #peer:await_frame(frames.HEADERS, index * 2 - 1).block
        end
        local table_size = session.state.deflateDynamicTableSize
        peer:close()
        return sizes, table_size
    end

    it("bounds what the encoder remembers", function()
        local free, free_table = blocks{}
        assert.is_true(free[2] < 20, free[2])
        assert.is_true(free_table > 200, free_table)
        local bound, bound_table = blocks{maxDeflateDynamicTableSize = 200}
        assert.is_true(bound_table <= 200, bound_table)
        assert.is_true(bound[2] > free[2], bound[2])
        local none, no_table = blocks{maxDeflateDynamicTableSize = 0}
        assert.equal(0, no_table)
        assert.is_true(none[2] > 100, none[2])
    end)

    it("does so for servers, and the peer's own limit counts, too", function()
        local peer = server({maxDeflateDynamicTableSize = 0}, function(stream)
            stream:respond(repeated, {endStream = true})
        end)
        for id = 1, 3, 2 do
            peer:send(frames.get(id))
            assert.is_true(#peer:await_frame(frames.HEADERS, id).block > 100)
        end
        peer:close()
        local session, other = client({maxDeflateDynamicTableSize = 100000},
            {{frames.HEADER_TABLE_SIZE, 0}})
        session:request(repeated)
        other:await_frame(frames.HEADERS, 1)
        assert.equal(0, session.state.deflateDynamicTableSize)
        other:close()
    end)
end)

describe("options.maxReservedRemoteStreams", function()
    after_each(loop.clean)

    -- Promises three streams to a client; gives those it refuses.
    local function refused(limit)
        local session, peer = client{maxReservedRemoteStreams = limit}
        session:on("stream", function(pushed)
            pushed:on("error", function() end)
        end)
        session:request()
        peer:await_frame(frames.HEADERS, 1)
        for id = 2, 6, 2 do
            peer:send(peer:promise(1, id, "/" .. id))
        end
        local ids = {}
        for _, frame in ipairs(peer:await_pong()) do
            if frame.type == frames.RST_STREAM then
                ids[#ids + 1] = frame.id
            end
        end
        peer:close()
        return ids
    end

    it("bounds the promises that a client takes before their responses", function()
        assert.same({6}, refused(2))
        assert.same({2, 4, 6}, refused(0))
    end)

    it("has no bound if it is negative", function()
        assert.same({}, refused(-1))
        assert.same({}, refused(nil))
    end)
end)

describe("options.maxSessionRejectedStreams", function()
    after_each(loop.clean)

    it("ends a session that had to refuse more streams", function()
        local peer, object = server({maxSessionMemory = 1, maxSessionRejectedStreams = 2},
            function(stream)
                ignore_error(stream)
                stream:respond()
                stream:finish(("x"):rep(2000000))
            end, {{frames.INITIAL_WINDOW_SIZE, 0}})
        local errors = heard(object, "sessionError")
        peer:await_settings_ack()
        peer:send(frames.get(1))
        peer:await_pong()
        for id = 3, 5, 2 do
            peer:send(frames.get(id))
            peer:await_reset(id, "ENHANCE_YOUR_CALM")
        end
        peer:await_pong()
        local id = 7
        peer:send_until_goaway(5, function()
            id = id + 2
            return frames.get(id - 2)
        end)
        peer:await_end()
        assert(rawpeer.turn_until(function() return errors[1] end))
        assert.equal("ERR_HTTP2_ERROR", errors[1][1].code)
    end)
end)

describe("options.streamResetBurst and streamResetRate", function()
    after_each(loop.clean)

    local function open_and_reset(from, count)
        local octets = {}
        for id = from, from + 2 * (count - 1), 2 do
            octets[#octets + 1] = frames.get(id) .. frames.rst_stream(id, 8)
        end
        return table.concat(octets)
    end

    it("bound the resets of a client", function()
        local peer = server{streamResetBurst = 10, streamResetRate = 0}
        peer:send(open_and_reset(1, 10))
        peer:await_pong()
        peer:send(open_and_reset(21, 2))
        peer:await_fault("ENHANCE_YOUR_CALM")
    end)

    it("let more pass as time passes", function()
        local peer = server{streamResetBurst = 10, streamResetRate = 100}
        for round = 0, 2 do
            peer:send(open_and_reset(1 + round * 20, 10))
            peer:await_pong()
            rawpeer.turn_for(0.2)
        end
        peer:await_service(61)
        peer:close()
    end)
end)

describe("options.maxSessionInvalidFrames", function()
    after_each(loop.clean)

    it("bounds the frames without sense that a client takes", function()
        local session, peer = client{maxSessionInvalidFrames = 5}
        local errors = heard(session, "error")
        ignore_error(session:request())
        peer:await_frame(frames.HEADERS, 1)
        for id = 2, 20, 2 do
            peer:send(frames.push_promise(1, id, {"x", "no request"}))
        end
        peer:await_fault("ENHANCE_YOUR_CALM")
        assert(rawpeer.turn_until(function() return errors[1] end))
        assert.equal("ERR_HTTP2_TOO_MANY_INVALID_FRAMES", errors[1][1].code)
    end)
end)

describe("options of performServerHandshake", function()
    after_each(loop.clean)

    it("are those of a server's sessions", function()
        local net = require("http2.net")
        local session
        local listener = loop.track(net.createServer(function(socket)
            session = http2.performServerHandshake(socket, {
                settings = {maxConcurrentStreams = 9}, maxSettings = 2,
            })
            session:on("error", function() end)
            loop.track(session)
        end))
        listener:listen(0, "127.0.0.1")
        local peer = rawpeer.open(rawpeer.port_of(listener))
        peer:send(frames.preface, frames.settings())
        assert.equal(9,
            peer:await_frame(frames.SETTINGS).settings[frames.MAX_CONCURRENT_STREAMS])
        peer:send(frames.settings{{1, 1}, {1, 2}, {1, 3}})
        peer:await_fault("ENHANCE_YOUR_CALM")
    end)
end)
