--- Answers from memory, small to large. The ciphers' rows are what the TLS library does with them
--- alone: no server that uses it can be faster.
local h2load = require("spec.bench.support.h2load")
local measure = require("spec.bench.support.measure")
local process = require("spec.support.process")
local servers = require("spec.bench.support.servers")

local case = {
    title = "Answers from memory, 10 connections of 32 streams", unit = "MB/s",
    baseline = "nghttpd", is_wide = true,
}

local groups = {
    {"1 KiB", 1024}, {"16 KiB", 16384}, {"1 MiB", 1 << 20}, {"1 MiB, TLS", 1 << 20, true},
}

function case.round(results)
    for _, group in ipairs(groups) do
        local label, size, is_secure = table.unpack(group)
        for _, name in ipairs(servers.each) do
            results:try(label, name, function()
                return servers.with(name, {tls = is_secure}, function(server)
                    return h2load(("%s/%d"):format(server.origin, size)) * size / 1e6
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
