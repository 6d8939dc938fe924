-- Every entry of the contract, asked for on a live object: that it is there, of which kind it is,
-- and its default where it has one.
local http2 = require("http2")
local constants = require("spec.support.constants")
local contract = require("spec.support.contract")
local live = require("spec.support.live")
local loop = require("spec.support.loop")
local options = require("spec.support.options")

-- ------------------------------------------------------------------------------------- members

-- A name that no class knows may be set by the program; one that a class knows reads as something,
-- or cannot be set.
local function is_known(object, name)
    local ok, value = pcall(function() return object[name] end)
    if not ok or value ~= nil then
        return true
    end
    return not pcall(function() object[name] = "the program's own" end)
end

local as_value = {["false"] = false, ["true"] = true}

-- What the text of a default stands for.
local function value_of(text)
    if as_value[text] ~= nil then
        return as_value[text]
    end
    return tonumber(text) or text:match("^'(.*)'$")
end

local function check_property(owner, name, default)
    if owner == "http2" then
        return assert.is_not_nil(http2[name])
    end
    if owner == "Http2Stream" and name == "headersSent" then
        owner = "ServerHttp2Stream" -- true from the beginning at a client
    end
    local object = live.objects[owner]
    assert(is_known(object, name), "there is no such property")
    local value = live.fresh[owner][name]
    assert.not_equal("function", type(value))
    if default and value_of(default) ~= nil then
        assert.equal(value_of(default), value)
    end
end

-- Names that Lua has otherwise (LUA-API.md).
local in_lua = {
    -- members of the server that api.json counts as methods
    listening = function(object) assert.is_boolean(object.listening) end,
    maxConnections = function(object) assert.is_true(is_known(object, "maxConnections")) end,
    ["captureRejections handling"] = function(object) -- routing_spec.lua
        assert.is_function(object.on)
    end,
    ["[Symbol.asyncDispose]"] = function()
        local close = assert(load("local server <close> = ...; return true"))
        assert.is_true(close(http2.createServer()))
    end,
    ["[asyncIterator]"] = function(object) assert.is_function(object.chunks) end,
    ["connect[promisify.custom]"] = function() -- session:ready() of async_spec.lua
        assert.is_function(live.objects.ClientHttp2Session.ready)
    end,
}

local function check_method(owner, name)
    local object = live.objects[owner] or http2
    if in_lua[name] then
        return in_lua[name](object)
    end
    assert.is_function(object[name])
end

-- Errors of a request's stream are told on the stream alone (api.json); and every frame that cannot
-- be sent belongs to a stream.
local never_told = {
    Http2ServerRequest = "error", Http2ServerResponse = "error", Http2Session = "frameError",
}

local function check_event(owner, name)
    if never_told[owner] == name then
        return assert.is_nil(live.seen[owner][name])
    end
    assert.is_true(live.seen[owner][name], "the event did not come")
end

-- -------------------------------------------------------------------------------------- tables

local function is_integer(value)
    return math.type(value) == "integer"
end

-- Of the request {["x-one"] = 1, ["x-two"] = {"a", "b"}, ["x-secret"] = "s"}.
local headers = {
    ["outgoing values"] = function(received)
        assert.equal("1", received["x-one"])
        assert.equal("a, b", received["x-two"])
    end,
    ["incoming object"] = function(received)
        assert.equal("GET", received[":method"])
    end,
    ["[sensitiveHeaders] outgoing"] = function(received)
        assert.equal("s", received["x-secret"])
    end,
    ["[sensitiveHeaders] incoming"] = function(received)
        assert.same({"x-secret"}, received[http2.sensitiveHeaders])
    end,
    rawHeaders = function(_, raw)
        assert.truthy((" " .. table.concat(raw, " ")):find(" x-two a x-two b", 1, true))
    end,
}

local default_settings = http2.getDefaultSettings()

local tables = {
    Settings = function(name, default)
        if name == "customSettings" then
            assert.is_nil(default_settings[name])
            assert.same({[5000] = 1}, http2.getUnpackedSettings(
                http2.getPackedSettings{customSettings = {[5000] = 1}})[name])
        elseif name == "maxHeaderSize" then
            assert.equal(default_settings.maxHeaderListSize, default_settings[name])
        else
            assert.equal(value_of(default:match("^%S+")), default_settings[name])
        end
    end,
    SessionState = function(name)
        assert.is_true(is_integer(live.states.session[name]))
    end,
    StreamState = function(name)
        assert.is_true(is_integer(live.states.stream[name]))
    end,
    HeadersObject = function(name)
        headers[name](live.request.headers, live.request.raw)
    end,
    ["PerformanceEntry:Http2Session"] = function(name)
        assert.is_not_nil(live.entries.Http2Session[name])
    end,
    ["PerformanceEntry:Http2Stream"] = function(name)
        assert.is_not_nil(live.entries.Http2Stream[name])
    end,
}

-- ------------------------------------------------------------------------------------- proxies

local forbidden = {
    ["SocketProxy:session"] = "destroy emit end pause read resume write setEncoding setKeepAlive "
        .. "setNoDelay",
    ["SocketProxy:compat"] = "write read pause resume",
}

local function check_proxy(owner, name)
    local proxy = live.proxies[owner]
    for word in forbidden[owner]:gmatch("%S+") do
        if word == name then
            return assert.equal("ERR_HTTP2_NO_SOCKET_MANIPULATION", proxy[name])
        end
    end
    assert.is_not_nil(proxy[name])
end

-- ------------------------------------------------------------------------------------ the rest

local function check_group(name)
    if name == "constants" then
        return assert.is_table(http2.constants)
    end
    local pattern = name:gsub("<.->", "[%%u_%%d]+"):gsub("%*", ".*")
    local found = name == "hidden helpers"
    for part in pattern:gmatch("[^/]+") do
        for constant in pairs(constants) do
            found = found or constant:find("^" .. part .. "$") ~= nil
        end
    end
    assert.is_true(found)
end

local function check_option(owner, name, default)
    local check = options[owner] and options[owner][name]
    assert(check, "no check of this option")
    check()
    local of_default = options.defaults[name]
    if of_default then
        of_default(value_of(default))
    end
end

local function check(entry)
    local owner, name, kind = entry.owner, entry.name, entry.kind
    if kind == "option" then
        check_option(owner, name, entry.default)
    elseif tables[owner] then
        tables[owner](name, entry.default)
    elseif forbidden[owner] then
        check_proxy(owner, name)
    elseif kind == "constant-group" then
        check_group(name)
    elseif kind == "event" then
        check_event(owner, name)
    elseif kind == "property" then
        check_property(owner, name, entry.default)
    else
        check_method(owner, name)
    end
end

describe("the contract:", function()
    after_each(loop.clean)

    for _, entry in ipairs(contract) do
        it(("%s has the %s %s"):format(entry.owner, entry.kind, entry.name), function()
            check(entry)
        end)
    end
end)

describe("the constants", function()
    it("have their values", function()
        for name, value in pairs(constants) do
            assert.equal(value, http2.constants[name], name)
        end
    end)

    it("are all that there are", function()
        for name in pairs(http2.constants) do
            assert.is_not_nil(constants[name], name)
        end
    end)

    it("cannot be set", function()
        assert.is_false(pcall(function() http2.constants.NGHTTP2_NO_ERROR = 1 end))
    end)
end)

-- The project carries its own list; where the contract itself is at hand, both must agree.
local function read(name)
    local file = io.open("../shared/contract/" .. name)
    local text = file and file:read("a")
    if file then
        file:close()
    end
    return text and require("cjson").decode(text)
end

local api, values = read("api.json"), read("constants.json")

describe("the list of the contract", function()
    it("has a name for each entry", function()
        for _, entry in ipairs(contract) do
            assert.is_string(entry.name)
        end
        assert.equal(489, #contract)
    end)

    local it_is_at_hand = api and values and it or function() end

    it_is_at_hand("is that of api.json", function()
        local theirs, ours = {}, {}
        for _, entry in ipairs(api) do
            local default = entry.default ~= require("cjson").null and entry.default or ""
            table.insert(theirs, table.concat({entry.owner, entry.kind, entry.name, default}, " "))
        end
        for _, entry in ipairs(contract) do
            table.insert(ours, table.concat({entry.owner, entry.kind, entry.name,
                entry.default or ""}, " "))
        end
        table.sort(theirs)
        table.sort(ours)
        assert.same(theirs, ours)
    end)

    it_is_at_hand("has the values of constants.json", function()
        local theirs = values.constants
        for name, value in pairs(theirs) do
            assert.equal(value, constants[name], name)
        end
        for name in pairs(constants) do
            assert.is_not_nil(theirs[name], name)
        end
    end)
end)
