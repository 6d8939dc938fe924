-- The head of an Http2ServerResponse, over HTTP/2 and over HTTP/1.1: its status and its headers.
local exchange = require("spec.support.exchange")
local loop = require("spec.support.loop")
local raised = require("spec.support.raised")

for _, version in ipairs(exchange.versions) do
    local function response_of(...)
        return exchange.response(version, ...)
    end

    describe("the head of a response over HTTP/" .. version, function()
        after_each(loop.clean)

        it("has status 200 and a date if nothing else is said", function()
            local view = response_of(function(response)
                assert.equal(200, response.statusCode)
                assert.is_false(response.headersSent)
                response:finish("hello")
                assert.is_true(response.headersSent)
            end)
            assert.equal(200, view.status)
            assert.equal("hello", view.body)
            assert.truthy(view.headers.date:find(
                "^%a%a%a, %d%d %a%a%a %d%d%d%d %d%d:%d%d:%d%d GMT$"))
        end)

        it("sends no date if it is told so, or has its own", function()
            for _, act in ipairs{
                function(response) response.sendDate = false end,
                function(response) response:removeHeader("Date") end,
            } do
                local view = response_of(function(response)
                    act(response)
                    assert.is_false(response.sendDate)
                    response:finish()
                end)
                assert.is_nil(view.headers.date)
            end
            assert.equal("today", response_of(function(response)
                response:setHeader("date", "today")
                response:finish()
            end).headers.date)
        end)

        it("keeps headers under folded names, in their order, with values as given", function()
            local view = response_of(function(response)
                response:setHeader(" X-B ", 1)
                response:setHeader("x-a", {"1", "2"})
                response:setHeader("X-c", true)
                response:setHeader("X-B", 2)
                assert.same({"x-b", "x-a", "x-c"}, response:getHeaderNames())
                assert.equal(2, response:getHeader("x-B"))
                assert.is_true(response:hasHeader("X-C"))
                assert.is_false(response:hasHeader("x-d"))
                assert.is_nil(response:getHeader("x-d"))
                response:removeHeader("X-C")
                assert.same({["x-b"] = 2, ["x-a"] = {"1", "2"}}, response:getHeaders())
                response:getHeaders()["x-b"] = 3
                assert.equal(2, response:getHeader("x-b"))
                response.statusCode = 201
                response:finish()
                assert.same({"x-b", "x-a", ":status"}, response:getHeaderNames())
                assert.equal(201, response:getHeader(":status"))
            end)
            assert.equal("2", view.headers["x-b"])
            assert.same(version == "2.0" and "1, 2" or {"1", "2"}, view.headers["x-a"])
            assert.is_nil(view.headers["x-c"])
        end)

        it("appends to headers", function()
            local view = response_of(function(response)
                response:appendHeader("Set-Cookie", "a=1")
                assert.equal("a=1", response:getHeader("set-cookie"))
                response:appendHeader("Set-Cookie", {"b=2", "c=3"})
                assert.same({"a=1", "b=2", "c=3"}, response:getHeader("set-cookie"))
                response:finish()
            end)
            assert.same({"a=1", "b=2", "c=3"}, view.headers["set-cookie"])
        end)

        it("keeps headers through any changes, however many and large", function()
            local names = {"content-type", "x-a", "X-Long-Name", "set-cookie", "x-b"}
            local values = {
                "", "text", ("long "):rep(60) .. ".", 7, -1.5, true, false, {}, {"1"},
                {"a", 2, ("b"):rep(90)},
            }
            local view = response_of(function(response)
                local order, set, state = {}, {}, 1
                local function random(count)
                    state = state * 1103515245 % 2147483648 + 12345
                    return math.floor(state / 65536) % count + 1
                end
                local function forget(name)
                    set[name] = nil
                    for i = #order, 1, -1 do
                        if order[i] == name then
                            table.remove(order, i)
                        end
                    end
                end
                local function put(name, value)
                    if set[name] == nil then
                        order[#order + 1] = name
                    end
                    set[name] = value
                end
                local function joined(old, value)
                    local all = {}
                    for _, values_of_one in ipairs{old, value} do
                        local is_list = type(values_of_one) == "table"
                        for _, one in ipairs(is_list and values_of_one or {values_of_one}) do
                            all[#all + 1] = one
                        end
                    end
                    return all
                end
                for _ = 1, 300 do
                    local name, value = names[random(#names)], values[random(#values)]
                    local folded, deed = name:lower(), random(5)
                    if deed == 1 then
                        response:removeHeader(name)
                        forget(folded)
                    elseif deed == 2 and set[folded] ~= nil then
                        response:appendHeader(name, value)
                        put(folded, joined(set[folded], value))
                    else
                        response:setHeader(name, value)
                        put(folded, value)
                    end
                    assert.same(order, response:getHeaderNames())
                    assert.same(set, response:getHeaders())
                    assert.same(set[folded], response:getHeader(name))
                end
                for _, name in ipairs(names) do
                    response:setHeader(name, name)
                end
                response:finish()
            end)
            for _, name in ipairs(names) do
                local value = view.headers[name:lower()]
                assert.equal(name, type(value) == "table" and value[1] or value)
            end
        end)

        it("refuses names and values that cannot be sent, and changes nothing", function()
            response_of(function(response)
                response:setHeader("x", "y")
                for _, method in ipairs{"setHeader", "appendHeader", "setTrailer"} do
                    local function code(...)
                        return raised(response[method], response, ...)
                    end
                    assert.equal("ERR_INVALID_ARG_TYPE", code(1, "x"))
                    assert.equal("ERR_INVALID_HTTP_TOKEN", code("", "x"))
                    assert.equal("ERR_INVALID_HTTP_TOKEN", code("a b", "x"))
                    assert.equal("ERR_INVALID_HTTP_TOKEN", code("a@b", "x"))
                    assert.equal("ERR_HTTP2_PSEUDOHEADER_NOT_ALLOWED", code(":status", 200))
                    assert.equal("ERR_HTTP2_INVALID_PSEUDOHEADER", code(":other", 200))
                    assert.equal("ERR_HTTP2_INVALID_HEADER_VALUE", code("x", nil))
                    assert.equal("ERR_HTTP2_INVALID_HEADER_VALUE", code("x", print))
                    assert.equal("ERR_HTTP2_INVALID_HEADER_VALUE", code("x", {"a", print}))
                    assert.equal("ERR_INVALID_CHAR", code("x", "a\r\nb: c"))
                end
                assert.equal("ERR_INVALID_ARG_TYPE", raised(response.getHeader, response, 1))
                assert.equal("ERR_INVALID_ARG_TYPE", raised(response.hasHeader, response))
                assert.equal("ERR_INVALID_ARG_TYPE", raised(response.removeHeader, response, {}))
                assert.equal("ERR_INVALID_ARG_TYPE", raised(response.addTrailers, response, 1))
                assert.same({x = "y"}, response:getHeaders())
                response:finish()
            end)
        end)

        it("refuses changes once the headers are sent", function()
            response_of(function(response)
                response:flushHeaders()
                assert.is_true(response.headersSent)
                assert.is_true(response._header)
                for method, arguments in pairs{setHeader = {"a", "b"}, appendHeader = {"a", "b"},
                    removeHeader = {"a"}, writeHead = {200}} do
                    assert.equal("ERR_HTTP2_HEADERS_SENT",
                        raised(response[method], response, arguments[1], arguments[2]))
                end
                assert.is_false(response:writeContinue())
                assert.is_false(response:writeEarlyHints{link = "</a>; rel=preload"})
                response:flushHeaders()
                response.statusCode = 404
                response:finish()
            end)
        end)

        it("writes heads in each of Node's forms", function()
            local heads = {
                {{"a", "1"}},
                {a = "1"},
                {"a", "1"},
            }
            for _, headers in ipairs(heads) do
                for _, message in ipairs{"", "message"} do
                    local view = response_of(function(response)
                        response:setHeader("A", "0")
                        response:setHeader("b", "2")
                        local result
                        if message == "" then
                            result = response:writeHead(202, headers)
                        else
                            result = response:writeHead(202, message, headers)
                        end
                        assert.equal(response, result)
                        response:finish("x")
                    end)
                    assert.equal(202, view.status)
                    assert.equal("1", view.headers.a)
                    assert.equal("2", view.headers.b)
                end
            end
        end)

        it("tells of the headers that writeHead was given", function()
            response_of(function(response)
                response:writeHead(200, {["X-A"] = "1"})
                assert.equal("1", response:getHeader("x-a"))
                assert.same({["x-a"] = "1", [":status"] = 200}, response:getHeaders())
                response:finish()
            end)
        end)

        it("refuses heads that cannot be sent, and changes nothing", function()
            local view = response_of(function(response)
                local function code(...)
                    return raised(response.writeHead, response, ...)
                end
                assert.equal("ERR_HTTP2_STATUS_INVALID", code(100))
                assert.equal("ERR_HTTP2_STATUS_INVALID", code(600))
                assert.equal("ERR_HTTP2_STATUS_INVALID", code(200.5))
                assert.equal("ERR_INVALID_ARG_TYPE", code("200"))
                assert.equal("ERR_INVALID_ARG_TYPE", code(200, 1))
                assert.equal("ERR_INVALID_ARG_VALUE", code(200, {"a", "b", "c"}))
                assert.equal("ERR_INVALID_ARG_VALUE", code(200, {{"a", "b"}, {"c"}}))
                assert.equal("ERR_HTTP2_PSEUDOHEADER_NOT_ALLOWED", code(200, {[":status"] = 1}))
                assert.equal("ERR_INVALID_HTTP_TOKEN", code(200, {["a b"] = "c"}))
                assert.equal("ERR_INVALID_CHAR", code(200, {a = "b\n"}))
                assert.is_false(response.headersSent)
                assert.same({}, response:getHeaders())
                assert.equal(200, response.statusCode)
                response:finish("fine")
            end)
            assert.equal(200, view.status)
            assert.equal("fine", view.body)
        end)

        it("holds its status to the range of final ones", function()
            local view = response_of(function(response)
                local function code(status)
                    return raised(function() response.statusCode = status end)
                end
                assert.equal("ERR_HTTP2_INFO_STATUS_NOT_ALLOWED", code(100))
                assert.equal("ERR_HTTP2_INFO_STATUS_NOT_ALLOWED", code(199.5))
                assert.equal("ERR_HTTP2_STATUS_INVALID", code(99))
                assert.equal("ERR_HTTP2_STATUS_INVALID", code(600))
                assert.equal("ERR_HTTP2_STATUS_INVALID", code("x"))
                assert.equal("ERR_HTTP2_STATUS_INVALID", code(0 / 0))
                response.statusCode = 404.9
                assert.equal(404, response.statusCode)
                assert.equal("", response.statusMessage)
                response:finish()
            end)
            assert.equal(404, view.status)
        end)
    end)
end
