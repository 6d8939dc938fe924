-- RFC 9112: what two readers could understand differently is answered with 400, the connection
-- closes, and what follows is never a request.
local exchange = require("spec.support.exchange")
local loop = require("spec.support.loop")

local smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
local POST = "POST / HTTP/1.1\r\nHost: a\r\n"
local GET = "GET / HTTP/1.1\r\nHost: a\r\n"
local CHUNKED = POST .. "Transfer-Encoding: chunked\r\n\r\n"

-- What the server says to the octets and a request behind them, in so many pieces, and the targets
-- that its handler saw. The client leaves the end to the server.
local function refuse(octets, pieces)
    local seen, send = {}, {}
    local text = octets .. smuggled
    local size = math.ceil(#text / pieces)
    for at = 1, #text, size do
        send[#send + 1] = text:sub(at, at + size - 1)
    end
    local said, events = exchange.raw{stays_open = true, send = send,
        handler = function(request, response)
            seen[#seen + 1] = request.url
            request:resume()
            request:on("end", function()
                response:finish("answered")
            end)
        end}
    return said, events, seen
end

-- Each case: {sentence, octets, status (400)}.
local function refuses(title, cases)
    describe(title, function()
        after_each(loop.clean)

        for _, case in ipairs(cases) do
            for _, pieces in ipairs{1, 3} do
                it(("%s is refused, in %d pieces"):format(case[1], pieces), function()
                    local said, events, seen = refuse(case[2], pieces)
                    local view, rest = exchange.parse(said)
                    assert.equal(case[3] or 400, view.status)
                    assert.equal("close", view.headers.connection)
                    assert.equal("", view.body .. rest)
                    assert.same({"end", "close"}, {events[1], events[2]})
                    for _, url in ipairs(seen) do
                        assert.not_equal("/smuggled", url)
                    end
                end)
            end
        end
    end)
end

refuses("a body's length (§6)", {
    {"content-length with transfer-encoding",
        POST .. "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {"transfer-encoding with content-length",
        POST .. "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n"},
    {"the same content-length twice", POST .. "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx"},
    {"content-length twice", POST .. "Content-Length: 1\r\nContent-Length: 2\r\n\r\nx"},
    {"a list of lengths", POST .. "Content-Length: 1, 1\r\n\r\nx"},
    {"a positive sign", POST .. "Content-Length: +1\r\n\r\nx"},
    {"a negative length", POST .. "Content-Length: -1\r\n\r\n"},
    {"a hexadecimal length", POST .. "Content-Length: 0x1\r\n\r\nx"},
    {"a length with a fraction", POST .. "Content-Length: 1.0\r\n\r\nx"},
    {"an empty length", POST .. "Content-Length: \r\n\r\n"},
    {"a length past 64 bits", POST .. "Content-Length: 18446744073709551617\r\n\r\nx"},
    {"a length with a space in it", POST .. "Content-Length: 1 0\r\n\r\nx"},
    {"two transfer-encodings",
        POST .. "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n"},
    {"chunked twice", POST .. "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"},
    {"chunked that is not last", POST .. "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n"},
    {"chunked behind another coding", POST .. "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
    {"chunked with a parameter", POST .. "Transfer-Encoding: chunked;x\r\n\r\n0\r\n\r\n"},
    {"chunked in quotes", POST .. "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n"},
    {"chunked after a vertical tab", POST .. "Transfer-Encoding: \11chunked\r\n\r\n0\r\n\r\n"},
    {"an empty transfer-encoding", POST .. "Transfer-Encoding:\r\n\r\n0\r\n\r\n"},
    {"an unknown transfer-encoding", POST .. "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501},
    {"transfer-encoding of HTTP/1.0",
        "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
})

refuses("chunks (§7.1)", {
    {"a chunk's line without its carriage return", CHUNKED .. "1\nx\r\n0\r\n\r\n"},
    {"a chunk's end without its carriage return", CHUNKED .. "1\r\nx\n0\r\n\r\n"},
    {"a chunk that is longer than it says", CHUNKED .. "1\r\nxy\r\n0\r\n\r\n"},
    {"a space behind a chunk's size", CHUNKED .. "1 \r\nx\r\n0\r\n\r\n"},
    {"a space before a chunk's size", CHUNKED .. " 1\r\nx\r\n0\r\n\r\n"},
    {"a signed chunk size", CHUNKED .. "+1\r\nx\r\n0\r\n\r\n"},
    {"a negative chunk size", CHUNKED .. "-1\r\nx\r\n0\r\n\r\n"},
    {"a chunk size with 0x", CHUNKED .. "0x1\r\nx\r\n0\r\n\r\n"},
    {"a chunk size that is none", CHUNKED .. "g\r\n\r\n"},
    {"a chunk without a size", CHUNKED .. "\r\n\r\n"},
    {"a chunk size past 64 bits", CHUNKED .. "10000000000000001\r\nx\r\n0\r\n\r\n"},
    {"an extension with a bare line feed", CHUNKED .. "1;x\ny\r\nx\r\n0\r\n\r\n"},
    {"an extension with a control character", CHUNKED .. "1;\1\r\nx\r\n0\r\n\r\n"},
    {"an extension without end", CHUNKED .. "1;" .. ("x"):rep(100000)},
    {"a size without end", CHUNKED .. ("0"):rep(100000)},
    {"a trailer with a space before its colon", CHUNKED .. "0\r\nX : y\r\n\r\n"},
    {"a folded trailer", CHUNKED .. "0\r\nX: y\r\n z\r\n\r\n"},
    {"a trailer that ends in a bare line feed", CHUNKED .. "0\r\nX: y\n\r\n"},
    {"trailers without end", CHUNKED .. "0\r\nX: " .. ("y"):rep(20000) .. "\r\n\r\n", 431},
})

refuses("lines and fields (§2.2, §5)", {
    {"a bare line feed behind the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n"},
    {"a bare line feed behind a field", GET .. "X: y\nContent-Length: 1\r\n\r\n"},
    {"a bare line feed as the last", GET .. "\n"},
    {"a bare line feed before the request", "\n" .. GET .. "\r\n"},
    {"a bare carriage return in a value", GET .. "X: y\rContent-Length: 1\r\n\r\n"},
    {"a bare carriage return in the request line", "GET /\r HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"a carriage return too many", GET .. "X: y\r\r\n\r\n"},
    {"a folded value", GET .. "X: y\r\n z\r\n\r\n"},
    {"a value folded with a tab", GET .. "X: y\r\n\tContent-Length: 1\r\n\r\n"},
    {"white space before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n"},
    {"a space before the colon", GET .. "Content-Length : 1\r\n\r\nx"},
    {"a tab before the colon", GET .. "Transfer-Encoding\t: chunked\r\n\r\n"},
    {"a name with a space in it", GET .. "Content Length: 1\r\n\r\n"},
    {"a field without a name", GET .. ": y\r\n\r\n"},
    {"a line without a colon", GET .. "X\r\n\r\n"},
    {"NUL in a value", GET .. "X: a\0b\r\n\r\n"},
    {"NUL in a name", GET .. "X\0: a\r\n\r\n"},
    {"NUL in the target", "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"a control character in a value", GET .. "X: a\1b\r\n\r\n"},
    {"DEL in a value", GET .. "X: a\127b\r\n\r\n"},
    {"a name with an octet past ASCII", GET .. "X\xa0: a\r\n\r\n"},
    {"too many fields", GET .. ("X: y\r\n"):rep(200) .. "\r\n", 431},
    {"a head that is too large", GET .. "X: " .. ("y"):rep(20000) .. "\r\n\r\n", 431},
})

refuses("the request line and its target (§3)", {
    {"two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"a tab between", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"a target with a space", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"a target with an octet past ASCII", "GET /\xa0 HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"a target with a fragment", "GET /#x HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"a target that is neither path nor URL", "GET a HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"an asterisk without OPTIONS", "GET * HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"a URL of another host", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"a URL with a user", "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"no host", "GET / HTTP/1.1\r\n\r\n"},
    {"two hosts", GET .. "Host: b\r\n\r\n"},
    {"a host that is none", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"},
    {"a line without a version", "GET /\r\n\r\n"},
    {"a version that never was", "GET / HTTP/1.2\r\nHost: a\r\n\r\n"},
    {"HTTP/2.0 as a request line", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
    {"HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
    {"a method in lower case", "get / HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"a method that nobody knows", "SPELL / HTTP/1.1\r\nHost: a\r\n\r\n"},
})
