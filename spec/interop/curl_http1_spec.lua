-- curl and the compatibility API, over each version of HTTP that both speak.
local cert = require("spec.support.cert")
local payload = require("spec.support.payload")
local process = require("spec.support.process")

local size = 1000000

for version, shown in pairs{["--http1.0"] = "1.1", ["--http1.1"] = "1.1", ["--http2"] = "2"} do
    describe("#peers curl " .. version .. " of the compatibility API", function()
        local server, port, folder

        setup(function()
            server, port = process.start_server("spec/support/compat_server.lua")
            folder = process.folder()
            process.write_file(folder .. "/body", payload.make(size))
        end)

        teardown(function()
            server:stop()
            process.remove(folder)
        end)

        -- The argument before the last may be {input = FILE}.
        local function curl(path, ...)
            local argv = {"curl", "--silent", "--show-error", "--max-time", "100", version,
                "--cacert", cert.path("ca.crt"), ...}
            local options = {}
            if type(argv[#argv]) == "table" then
                options.input = table.remove(argv).input
            end
            argv[#argv + 1] = ("https://localhost:%d%s"):format(port, path)
            local result = process.run(argv, options)
            assert.equal(0, result.status, result.err)
            return result.out
        end

        it("speaks that version", function()
            assert.equal(("%s /x\n%s"):format(({["--http1.0"] = "1.0"})[version]
                or (shown == "2" and "2.0" or shown), shown),
                curl("/x", "--write-out", "\n%{http_version}"))
        end)

        it("puts a file and gets it back", function()
            assert.is_nil(payload.difference(curl("/echo", "--upload-file", folder .. "/body"),
                payload.make(size)))
        end)

        it("posts a file", function()
            assert.equal(tostring(size),
                curl("/length", "--data-binary", "@" .. folder .. "/body"))
        end)

        it("uploads what it does not know the size of", function()
            if version == "--http1.0" then
                return -- which has no way to say where it ends
            end
            assert.equal(tostring(size), curl("/length", "--upload-file", "-",
                {input = folder .. "/body"}))
        end)

        it("uploads when it was told to continue", function()
            if version == "--http1.0" then
                return -- which knows no 100 (Continue)
            end
            assert.equal(tostring(size), curl("/length", "--upload-file", folder .. "/body",
                "--header", "Expect: 100-continue", "--expect100-timeout", "1000"))
        end)

        it("keeps its upload to itself when it was told so", function()
            if version == "--http1.0" then
                return -- which knows no 100 (Continue)
            end
            local said = curl("/refused", "--upload-file", folder .. "/body",
                "--header", "Expect: 100-continue", "--expect100-timeout", "1000",
                "--write-out", "%{http_code} %{size_upload}")
            -- Over HTTP/2, curl sends on as far as it may.
            assert.truthy(said:find(version == "--http2" and "^413 %d+$" or "^413 0$"), said)
        end)

        it("gets the headers of a HEAD request, and no body", function()
            local said = curl("/size/1234", "--head")
            assert.truthy(said:find("HTTP/" .. shown .. " 200", 1, true), said)
            assert.truthy(said:find("content-length: 1234\r\n", 1, true), said)
            assert.truthy(said:find("accept-ranges: bytes\r\n", 1, true), said)
            assert.truthy(said:find("\r\n\r\n$"), said)
        end)

        it("gets ranges", function()
            local function range(text)
                return curl("/size/1000", "--range", text, "--write-out", " %{http_code}")
            end
            assert.equal(payload.slice(10, 20) .. " 206", range("10-29"))
            assert.equal(payload.slice(990, 10) .. " 206", range("990-"))
            assert.equal(payload.slice(993, 7) .. " 206", range("-7"))
            assert.equal(payload.slice(999, 1) .. " 206", range("999-5000"))
            assert.equal(" 416", range("1000-"))
        end)

        it("continues a download", function()
            local part = folder .. "/part" .. version
            process.write_file(part, payload.make(300000))
            curl("/size/" .. size, "--continue-at", "-", "--output", part)
            assert.is_nil(payload.difference(process.read_file(part), payload.make(size)))
        end)

        it("gets early hints and trailers", function()
            local said = curl("/hints", "--include")
            assert.equal(version ~= "--http1.0", said:find("103", 1, true) ~= nil, said)
            assert.equal(version ~= "--http1.0", said:find("x-check: done", 1, true) ~= nil, said)
            assert.truthy(said:find("with trailers", 1, true), said)
        end)
    end)
end
