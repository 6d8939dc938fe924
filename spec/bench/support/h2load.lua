--- Runs h2load and reads what it printed.
local measure = require("spec.bench.support.measure")
local process = require("spec.support.process")

--- Loads a URL from one thread. Options: connections (10), streams (32) of each, requests (else for
--- as long as the settings say), headers (lines), data (a file to send). Gives requests per second;
--- a request that fails is an error.
return function(url, options)
    options = options or {}
    local settings = measure.settings
    local argv = {
        "h2load", "-t", "1", "-c", options.connections or 10, "-m", options.streams or 32,
    }
    if options.requests then
        table.move({"-n", options.requests}, 1, 2, #argv + 1, argv)
    else
        table.move({
            ("--duration=%dms"):format(settings.seconds * 1000 // 1),
            ("--warm-up-time=%dms"):format(settings.warm_up * 1000 // 1),
        }, 1, 2, #argv + 1, argv)
    end
    for _, header in ipairs(options.headers or {}) do
        table.move({"-H", header}, 1, 2, #argv + 1, argv)
    end
    if options.data then
        table.move({"-d", options.data}, 1, 2, #argv + 1, argv)
    end
    argv[#argv + 1] = url
    local result = process.run(measure.pin("load", argv), {seconds = 300})
    local rate = result.out:match("\nfinished in [^,]+, ([%d.]+) req/s")
    local is_whole = result.out:find(" 0 failed, 0 errored, 0 timeout", 1, true) and
        result.out:find(" 2xx, 0 3xx, 0 4xx, 0 5xx", 1, true)
    if result.status ~= 0 or not rate or not is_whole or tonumber(rate) == 0 then
        error("h2load: " .. (result.out:match("requests: [^\n]*") or result.err), 0)
    end
    return tonumber(rate)
end
