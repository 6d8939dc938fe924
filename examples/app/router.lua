--- A router with middleware: each handler gets the request, the response, and a function that
--- calls the next one.
---
---     local app = router.new()
---     app:use(function(request, response, next) ... next() end)
---     app:get("/user/:name", function(request, response) ... request.params.name ... end)
---     http2.createSecureServer(options, app:handler())
local router = {}

local App = {}
App.__index = App

function router.new()
    return setmetatable({steps = {}}, App)
end

-- "/user/:name" as a pattern and the names of its parts.
local function compile(path)
    local names = {}
    local pattern = path:gsub("[%-%.%+%[%]%(%)%$%^%%%?]", "%%%0"):gsub(":(%w+)", function(name)
        names[#names + 1] = name
        return "([^/]+)"
    end)
    return "^" .. pattern .. "$", names
end

local function add(app, method, path, handler)
    local pattern, names = compile(path)
    app.steps[#app.steps + 1] = {method = method, pattern = pattern, names = names,
        handler = handler}
    return app
end

--- Calls the handler for every request that comes so far.
function App:use(handler)
    self.steps[#self.steps + 1] = {handler = handler}
    return self
end

function App:get(path, handler)
    return add(self, "GET", path, handler)
end

function App:post(path, handler)
    return add(self, "POST", path, handler)
end

--- Decodes "a%20b+c" of a query or a form.
function router.decode(text)
    return (text:gsub("+", " "):gsub("%%(%x%x)", function(hex)
        return string.char(tonumber(hex, 16))
    end))
end

--- "a=1&b=2" as a table.
function router.parse_query(text)
    local fields = {}
    for name, value in text:gmatch("([^&=]+)=?([^&]*)") do
        fields[router.decode(name)] = router.decode(value)
    end
    return fields
end

-- Whether the step is for the request; then its parts are request.params.
local function matches(step, request)
    if not step.pattern then
        return true
    end
    local is_method = request.method == step.method
        or (step.method == "GET" and request.method == "HEAD")
    local parts = {request.path:match(step.pattern)}
    if not is_method or not parts[1] then
        return false
    end
    request.params = {}
    for i, name in ipairs(step.names) do
        request.params[name] = router.decode(parts[i])
    end
    return true
end

local function not_found(_, response)
    response:writeHead(404, {["content-type"] = "text/plain"})
    response:finish("There is no such page.\n")
end

--- The function for createServer or createSecureServer.
function App:handler()
    return function(request, response)
        local path, query = request.url:match("^([^?]*)%??(.*)$")
        request.path, request.query = path, router.parse_query(query)
        local at = 0
        local function next_step()
            repeat
                at = at + 1
            until at > #self.steps or matches(self.steps[at], request)
            local step = self.steps[at]
            return (step and step.handler or not_found)(request, response, next_step)
        end
        return next_step()
    end
end

return router
