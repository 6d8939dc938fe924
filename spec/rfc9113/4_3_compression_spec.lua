-- RFC 9113 4.3 and the decoding errors of RFC 7541.
local conformance = require("spec.support.conformance")
local frames = require("spec.support.frames")
local hpack = require("spec.support.hpack")

local start = hpack.encode(frames.request_fields("GET", "/"))

local function get(block, id)
    return frames.headers(id or 1, block, frames.END_HEADERS | frames.END_STREAM)
end

describe("RFC 7541, errors of a field block: a server", function()
    local world = conformance.server()

    for _, case in ipairs{
        {"index 0 (6.1)", start .. "\x80"},
        {"an index beyond both tables (2.3.3)", start .. hpack.index(62)},
        {"a name index beyond both tables", start .. hpack.integer(62, 4, 0) .. "\1x"},
        {"an index that overflows (5.1)", start .. "\xff\xff\xff\xff\xff\xff\xff\xff\x0f"},
        {"an index that never ends (5.1)", start .. "\xff" .. ("\x80"):rep(10000)},
        {"a block that ends within an integer", start .. "\xff"},
        {"a block that ends within a name", start .. "\0\5ab"},
        {"a block that ends within a value", start .. "\0\1a\5b"},
        {"EOS in a Huffman string (5.2)", start .. "\0\1a\x84\xff\xff\xff\xff"},
        {"Huffman padding of eight bits (5.2)", start .. "\0\1a\x82\x1f\xff"},
        {"Huffman padding of zeros (5.2)", start .. "\0\1a\x81\x18"},
        {"a table size above ours (6.3)", hpack.table_size(4097) .. start},
        {"a table size in the middle of a block (4.2)", start .. hpack.table_size(100)},
        {"three table sizes at the start", hpack.table_size(0):rep(3) .. start},
    } do
        world.ends_connection(case[1], "COMPRESSION_ERROR", get(case[2]))
    end

    world.ends_connection("a literal longer than any block may be, before it has come",
        "ENHANCE_YOUR_CALM", frames.headers(1, start .. "\0\x7f\x81\xff\xff\x3f", 1))

    world.accepts("two table sizes at the start (4.2)",
        get(hpack.table_size(0) .. hpack.table_size(4096) .. start))

    world.accepts("an empty string that says it is Huffman coded",
        get(start .. "\0" .. hpack.string("x-empty") .. "\x80"))
end)

describe("RFC 9113 4.3, the state of compression: a server", function()
    local world = conformance.server()

    -- What the dynamic table holds is shown by a request that uses it.
    local function value_of_entry(peer, index)
        peer:send(get(start .. hpack.index(index), 1001))
        assert.equal(200, peer:await_answer(1001).status)
        return world.requests[#world.requests]["x-kept"]
    end

    it("keeps what a reset request has put into the table", function()
        local peer = world.connect()
        peer:send(get(start .. hpack.literal("x-kept", "1", "indexed") .. hpack.literal("BAD", "")))
        peer:await_reset(1, "PROTOCOL_ERROR")
        assert.equal("1", value_of_entry(peer, 62))
    end)

    it("keeps what a refused request has put into the table", function()
        world.handler = function(stream)
            stream:on("error", function() end)
        end
        local peer = world.connect()
        peer:await_settings_ack()
        for id = 1, 199, 2 do
            peer:send(frames.post(id))
        end
        peer:send(get(start .. hpack.literal("x-kept", "2", "indexed"), 201))
        peer:await_reset(201, "REFUSED_STREAM")
        for id = 1, 199, 2 do
            peer:send(frames.rst_stream(id, 8))
        end
        world.handler = nil
        assert.equal("2", value_of_entry(peer, 62))
    end)

    it("keeps what HEADERS on a stream that it has reset put into the table", function()
        local peer = world.connect()
        peer:send(frames.headers(1, start .. hpack.literal("BAD", "")))
        peer:await_reset(1, "PROTOCOL_ERROR")
        peer:send(get(hpack.literal("x-kept", "3", "indexed")))
        assert.equal("3", value_of_entry(peer, 62))
    end)

    it("joins a block that is cut anywhere", function()
        local peer = world.connect()
        local block = hpack.encode(frames.request_fields("GET", "/cut"))
        local id = 1
        for at = 0, #block do
            peer:send(
                frames.headers(id, block:sub(1, at), frames.END_STREAM),
                frames.continuation(id, block:sub(at + 1), frames.END_HEADERS))
            assert.equal(200, peer:await_answer(id).status)
            assert.equal("/cut", world.requests[#world.requests][":path"])
            id = id + 2
        end
    end)
end)

describe("RFC 9113 4.3, the state of compression: a server with a smaller table", function()
    local world = conformance.server({settings = {headerTableSize = 100}})

    world.ends_connection("no table size update after it was lowered (4.3.1)",
        "COMPRESSION_ERROR", function(peer)
            peer:await_settings_ack()
            peer:send(frames.get(1))
        end)

    world.ends_connection("a table size above the lowered one", "COMPRESSION_ERROR",
        function(peer)
            peer:await_settings_ack()
            peer:send(get(hpack.table_size(101) .. start))
        end)

    it("accepts the lowered size", function()
        local peer = world.connect()
        peer:await_settings_ack()
        peer:send(get(hpack.table_size(100) .. start))
        assert.equal(200, peer:await_answer(1).status)
    end)
end)

describe("RFC 7541, errors of a field block: a client", function()
    local world = conformance.client()

    world.ends_connection("an index beyond both tables", "COMPRESSION_ERROR",
        frames.headers(1, hpack.index(8) .. hpack.index(62)))

    world.ends_connection("in trailers too", "COMPRESSION_ERROR",
        frames.response(1, 200) .. frames.headers(1, "\x80", 5))
end)

describe("RFC 9113 4.3.1, the encoder's table", function()
    local world = conformance.server()

    it("follows a peer that lowers it to nothing, and says so first", function()
        local peer = world.connect({{frames.HEADER_TABLE_SIZE, 0}})
        peer:send(frames.get(1))
        local answer = peer:await_frame(frames.HEADERS, 1)
        assert.equal(0x20, answer.block:byte(1))
        peer:send(frames.get(3))
        peer:await_answer(3)
        assert.equal(0, peer.inflate.size)
    end)

    it("does not grow beyond 4096 octets, whatever a peer allows", function()
        local peer = world.connect({{frames.HEADER_TABLE_SIZE, 0xffffffff}})
        world.handler = function(stream)
            stream:respond({["x-long"] = ("x"):rep(1000), ["x-id"] = tostring(stream.id)})
            stream:finish()
        end
        for id = 1, 39, 2 do
            peer:send(frames.get(id))
            peer:await_answer(id)
            assert.is_true(peer.inflate.size <= 4096)
        end
    end)
end)
