--- Other programs as child processes, each with a time limit, none of which outlives its spec for
--- long: every program runs under timeout(1).
local socket = require("socket")

local process = {}

local Process = {}
Process.__index = Process

local function quote(word)
    return "'" .. tostring(word):gsub("'", [['\'']]) .. "'"
end

local function read_file(path)
    local file = io.open(path, "rb")
    if not file then
        return ""
    end
    local content = file:read("a")
    file:close()
    return content
end

local function capture(command)
    local pipe = assert(io.popen(command))
    local output = pipe:read("a")
    pipe:close()
    return (output:gsub("\n$", ""))
end

--- A new folder under build/, for what one program writes.
function process.folder()
    return capture("mkdir -p build/spec-tmp && mktemp -d \"$PWD/build/spec-tmp/XXXXXX\"")
end

function process.remove(folder)
    assert(folder:find("/build/spec%-tmp/%w+$"), "not a folder of process.folder")
    os.execute("rm -rf " .. quote(folder))
end

function process.read_file(path)
    return read_file(path)
end

function process.write_file(path, content)
    local file = assert(io.open(path, "wb"))
    file:write(content)
    file:close()
end

local reserved = {}

--- A TCP port of 127.0.0.1 that refuses connections, and goes to nobody else while this process
--- lives.
function process.refusing_port()
    local holder = assert(socket.tcp4())
    assert(holder:bind("127.0.0.1", 0))
    reserved[#reserved + 1] = holder
    local _, port = holder:getsockname()
    return tonumber(port)
end

local given_ports = {}

--- A TCP port on which nobody listens at the moment: never the same twice, and none of those that
--- the system gives to connections, of which one might take it before it is used.
function process.free_port()
    while true do
        local port = math.random(20000, 31999)
        local listener = not given_ports[port] and socket.bind("127.0.0.1", port)
        if listener then
            listener:close()
            given_ports[port] = true
            return port
        end
    end
end

-- The shell's words for one program. A sanitizer that is preloaded for our module is not for other
-- people's programs, so `options.ours` says when it is to be kept.
local function command_line(argv, options)
    local words = {"exec", "env", options.ours and "" or "-u LD_PRELOAD"}
    words[#words + 1] = 'PATH="$PATH:/usr/sbin"'
    for name, value in pairs(options.env or {}) do
        words[#words + 1] = quote(name .. "=" .. value)
    end
    for _, word in ipairs(argv) do
        words[#words + 1] = quote(word)
    end
    return table.concat(words, " ")
end

--- Runs a program to its end. Options: seconds (120), input (a file's path), output (a file's
--- path), env, ours. Gives {status, out, err}; a program that is late is an error.
function process.run(argv, options)
    options = options or {}
    local seconds = options.seconds or 120
    local folder = process.folder()
    -- The status is told by the shell: os.execute gives it differently in each Lua.
    local script = ("timeout -k 2 %d sh -c %s <%s >%s 2>%s"):format(
        seconds,
        quote(command_line(argv, options)),
        quote(options.input or "/dev/null"),
        quote(options.output or folder .. "/out"),
        quote(folder .. "/err")
    )
    local status = tonumber(capture(script .. "; echo $?"))
    local result = {
        status = status,
        out = read_file(folder .. "/out"),
        err = read_file(folder .. "/err"),
    }
    process.remove(folder)
    if status == 124 or status == 137 then
        error(("%s took more than %d s\n%s%s"):format(argv[1], seconds, result.out, result.err), 2)
    end
    return result
end

--- Starts a program and lets it run. Options: seconds (900, its longest life), env, ours.
function process.start(argv, options)
    options = options or {}
    local folder = process.folder()
    local script = ("timeout -k 2 %d sh -c %s </dev/null >%s 2>&1 &"):format(
        options.seconds or 900,
        quote(("echo $$ >%s; %s"):format(quote(folder .. "/pid"), command_line(argv, options))),
        quote(folder .. "/out")
    )
    os.execute(script)
    local self = setmetatable({name = argv[1], folder = folder}, Process)
    self:_wait(60, "did not start", function()
        self.pid = tonumber(read_file(folder .. "/pid"))
        return self.pid
    end)
    return self
end

-- Polls `ready` until it gives something, which it returns, or fails with what was printed.
function Process:_wait(seconds, complaint, ready)
    local deadline = socket.gettime() + seconds
    while true do
        -- What was done in the last moment counts.
        local is_over = socket.gettime() > deadline or self.pid and not self:is_alive()
        local result = ready()
        if result then
            return result
        end
        if is_over then
            local output = self:output()
            self:stop()
            error(("%s %s:\n%s"):format(self.name, complaint, output), 0)
        end
        socket.sleep(0.01)
    end
end

function Process:output()
    return read_file(self.folder .. "/out")
end

--- Whether it still runs; one that is dead and not yet waited for does not.
function Process:is_alive()
    local stat = read_file(("/proc/%d/stat"):format(self.pid)) or ""
    local state = stat:match("%) (%a)")
    return state ~= nil and state ~= "Z" and state ~= "X"
end

--- Waits until what it printed matches the pattern; gives the captures.
function Process:wait_for_output(pattern, seconds)
    return self:_wait(seconds or 60, "did not print " .. pattern, function()
        return self:output():match(pattern)
    end)
end

--- Waits until it accepts connections on the port.
function Process:wait_for_port(port, seconds)
    return self:_wait(seconds or 60, "does not listen on " .. port, function()
        local client = socket.connect("127.0.0.1", port)
        return client and client:close()
    end)
end

function Process:signal(name)
    os.execute(("kill -%s %d 2>/dev/null"):format(name, self.pid))
end

--- The resident memory in KiB.
function Process:resident()
    return tonumber(read_file(("/proc/%d/status"):format(self.pid)):match("VmRSS:%s*(%d+)"))
end

--- The seconds of the processor that it has taken, by itself and in the kernel.
function Process:processor_seconds()
    local stat = read_file(("/proc/%d/stat"):format(self.pid))
    local user, system = stat:match("%) %S" .. (" %S+"):rep(10) .. " (%d+) (%d+)")
    return user / 100, system / 100 -- the kernel counts in hundredths of a second
end

--- Ends it, by force if need be, and removes its folder.
function Process:stop()
    local deadline = socket.gettime() + 10
    if self.pid and self:is_alive() then
        self:signal("TERM")
        while self:is_alive() and socket.gettime() < deadline do
            socket.sleep(0.01)
        end
        if self:is_alive() then
            self:signal("KILL")
        end
    end
    process.remove(self.folder)
end

--- Starts a program that has to be told where to listen: `words(...)` gives its words for `count`
--- ports, to the last of which it is waited for. Somebody else may take one of them before it does:
--- then others are tried. Gives the process and the ports.
function process.start_on_ports(count, words)
    for attempt = 1, 5 do
        local ports = {}
        for index = 1, count do
            ports[index] = process.free_port()
        end
        local self = process.start(words(table.unpack(ports)))
        local ok, err = pcall(self.wait_for_port, self, ports[count])
        if ok and self:is_alive() then
            return self, table.unpack(ports)
        elseif attempt == 5 then
            error(err or self.name .. " has ended", 0)
        end
    end
end

--- The Lua that runs this spec, for scripts of our own.
function process.interpreter()
    return read_file("/proc/self/cmdline"):match("^[^%z]+")
end

--- Starts a script of ours under this spec's interpreter and waits for its "listening on PORT".
--- Gives the process and the port.
function process.start_server(script, arguments, options)
    local argv = {process.interpreter(), script}
    table.move(arguments or {}, 1, #(arguments or {}), 3, argv)
    local settings = {ours = true}
    for name, value in pairs(options or {}) do
        settings[name] = value
    end
    local self = process.start(argv, settings)
    local port = self:wait_for_output("listening on (%d+)\n")
    return self, tonumber(port)
end

return process
