--- Answers from memory, small to large. The ciphers' rows are what the TLS library does with them
--- alone: no server that uses it can be faster.
local h2load = require("spec.bench.support.h2load")
local measure = require("spec.bench.support.measure")
local process = require("spec.support.process")
local servers = require("spec.bench.support.servers")

local case = {
    title = "Answers from memory, 10 connections", unit = "MB/s",
    baseline = "nghttpd", is_wide = true,
}

-- Large answers are few on a connection: what waits to be sent counts as the session's memory, of
-- which there is not without end, here and in Node. And they are counted, not timed, for what is
-- under way at the end would be much.
local groups = {
    {"1 KiB", 1024}, {"16 KiB", 16384},
    {"1 MiB", 1 << 20, {streams = 4}, 5000}, {"1 MiB, TLS", 1 << 20, {streams = 4}, 3000},
}

function case.round(results)
    for _, group in ipairs(groups) do
        local label, size, options, requests = table.unpack(group)
        local is_secure = label:find("TLS") ~= nil
        if requests then
            options.requests = measure.amount(requests)
        end
        for _, name in ipairs(servers.each) do
            results:try(label, name, function()
                return servers.with(name, {tls = is_secure}, function(server)
                    local url = ("%s/%d"):format(server.origin, size)
                    return h2load(url, options) * size / 1e6
                end)
            end)
        end
    end
    local program = measure.build .. "/spec/bench/cipher_bench"
    local printed = process.run(measure.pin("server", {program}), {seconds = 60}).out
    for name, rate in printed:gmatch("(%S+) (%d+) MB/s") do
        results:note("1 MiB, TLS", name, tonumber(rate))
    end
end

return case
