-- The examples do what they say, under the interpreter that runs this spec.
local cert = require("spec.support.cert")
local process = require("spec.support.process")

describe("examples/server.lua and examples/client.lua", function()
    local server, url

    setup(function()
        server = process.start({
            process.interpreter(), "examples/server.lua", "0", cert.path("server.key"),
            cert.path("server.crt"),
        }, {ours = true})
    end)

    teardown(function()
        server:stop()
    end)

    local function fetch(path)
        return process.run({
            process.interpreter(), "examples/client.lua", url .. path, cert.path("ca.crt"),
        }, {ours = true})
    end

    it("serve and fetch the page and its files", function()
        url = server:wait_for_output("listening on (https://%S+)\n")
        for path, file in pairs{
            ["/"] = "index.html", ["/style.css"] = "style.css", ["/page.js"] = "page.js",
        } do
            local result = fetch(path)
            assert.equal(0, result.status, result.err)
            assert.equal("status 200\n", result.err)
            assert.equal(process.read_file("examples/site/" .. file), result.out)
        end
    end)

    it("say 404 for what is not there", function()
        url = server:wait_for_output("listening on (https://%S+)\n")
        assert.equal("status 404\n", fetch("/nothing").err)
    end)
end)

-- Runs an example with its arguments; gives what it printed.
local function run(name, ...)
    local result = process.run({process.interpreter(), "examples/" .. name .. ".lua", ...},
        {ours = true})
    assert.equal(0, result.status, result.err)
    return result.out
end

local function sorted_lines(text)
    local lines = {}
    for line in text:gmatch("[^\n]+") do
        lines[#lines + 1] = line
    end
    table.sort(lines)
    return lines
end

describe("the example", function()
    it("trailers.lua", function()
        assert.equal("status 200\ndata abc\nchecksum 900150983cd24fb0\n", run("trailers"))
    end)

    it("push.lua", function()
        assert.same({
            "page: <h1>Hello</h1>", "promised /style.css, text/css",
            "pushed: body { margin: 0 }",
        }, sorted_lines(run("push")))
    end)

    it("extended_connect.lua", function()
        assert.equal("status 200\nechoed are you there?\n", run("extended_connect"))
    end)

    it("ping.lua", function()
        assert.same({
            "acknowledged abcdefgh in time", "acknowledged in line", "pinged with abcdefgh",
            "pinged with in line.",
        }, sorted_lines(run("ping")))
    end)

    it("settings.lua", function()
        assert.same({
            "acknowledged 32768", "packed 000200000000", "the client takes frames of 16384",
            "the client takes frames of 32768", "the server takes 7 streams", "unpacked false",
        }, sorted_lines(run("settings")))
    end)

    it("altsvc.lua", function()
        assert.equal('h2=":8000"\thttps://example.org:80\t0\nh2=":9000"; ma=3600\t\t1\n',
            run("altsvc"))
    end)

    it("origin.lua", function()
        assert.equal("https://example.com\nhttps://example.org\nhttps://example.net\n"
            .. "4 origins by one session\n", run("origin", cert.path("server.key"),
            cert.path("server.crt"), cert.path("ca.crt")))
    end)

    it("metrics.lua", function()
        assert.same({
            "client\t1 streams\ttrue", "server\t1 streams\ttrue",
            "stream 1\t1000 in\t1000 out", "stream 1\t1000 in\t1000 out",
        }, sorted_lines(run("metrics")))
    end)

    it("coroutines.lua", function()
        assert.equal("/one\t200\n/one\t180004\n/two\t200\n/two\t180004\n", run("coroutines"))
    end)

    it("abort.lua", function()
        assert.same({
            "AbortError\tThe operation was aborted due to timeout",
            "AbortError\tnot needed any more", "the server stops working on it",
            "the server stops working on it",
        }, sorted_lines(run("abort")))
    end)

    it("files.lua", function()
        local server = process.start({
            process.interpreter(), "examples/files.lua", "0", "examples/site",
        }, {ours = true})
        finally(function()
            server:stop()
        end)
        local url = server:wait_for_output("listening on (http://%S+)\n")
        local function fetch(path)
            return process.run({process.interpreter(), "examples/client.lua", url .. path},
                {ours = true})
        end
        local page = fetch("/")
        assert.equal("status 200\n", page.err)
        assert.equal(process.read_file("examples/site/index.html"), page.out)
        assert.equal("status 404\n", fetch("/nothing").err)
        assert.equal("status 400\n", fetch("/%2e%2e/server.lua").err)
        assert.equal("status 400\n", fetch("/a%00b").err)
    end)

    it("connect_proxy.lua, with connect_client.lua and a server of http2.net", function()
        local target = process.start({
            process.interpreter(), "-e", [[
                local http2, net = require("http2"), require("http2.net")
                local server = net.createServer({allowHalfOpen = true}, function(socket)
                    local name = ""
                    socket:setEncoding("utf8")
                    socket:on("data", function(chunk) name = name .. chunk end)
                    socket:on("end", function() socket:finish("hello " .. name) end)
                end)
                server:listen(0, "127.0.0.1", function()
                    print("listening on " .. server:address().port)
                    io.stdout:flush()
                end)
                http2.run()
            ]],
        }, {ours = true})
        local proxy = process.start({
            process.interpreter(), "examples/connect_proxy.lua", "0",
        }, {ours = true})
        finally(function()
            target:stop()
            proxy:stop()
        end)
        local port = target:wait_for_output("listening on (%d+)\n")
        local url = proxy:wait_for_output("listening on (http://%S+)\n")
        assert.equal("The server says: hello Jane\n",
            run("connect_client", url, "127.0.0.1:" .. port, "Jane"))
    end)
end)

describe("the server and the client in README.md", function()
    it("talk to each other", function()
        local folder = process.folder()
        local server = process.start_on_ports(1, function(port)
            local number = 0
            for block in process.read_file("README.md"):gmatch("```lua\n(.-)```") do
                number = number + 1
                process.write_file(("%s/%d.lua"):format(folder, number), (block:gsub("8080", port)))
            end
            return {process.interpreter(), folder .. "/1.lua"}, {ours = true}
        end)
        finally(function()
            server:stop()
            process.remove(folder)
        end)
        local result = process.run({process.interpreter(), folder .. "/2.lua"}, {ours = true})
        assert.equal("200\nYou asked for /hello\n", result.out, result.err)
    end)
end)
