--- Small requests by a client with one session, and with ten, against nghttpd: those of a
--- second, and those of a second of the client's processor, as a fast client may have to wait for
--- nghttpd. How busy that was is told below the table.
local clients = require("spec.bench.support.clients")
local measure = require("spec.bench.support.measure")
local servers = require("spec.bench.support.servers")

local case = {
    title = "A client's requests for 13 octets from nghttpd", unit = "requests/s",
    baseline = "Node",
}

local function busy(server, seconds, before)
    local user, system = server:processor_seconds()
    return 100 * (user + system - before) / seconds
end

local function measure_one(results, group, name, sessions, streams)
    return servers.with("nghttpd", {}, function(server)
        local user, system = server:processor_seconds()
        local rate, of_processor, seconds = clients.run(name, {
            origin = server.origin, path = "/13", sessions = sessions, streams = streams,
            seconds = measure.settings.seconds,
        })
        results:note(group, name, rate)
        results:remark(group .. ", " .. name, ("nghttpd used %.0f%% of its core"):format(
            busy(server, seconds, user + system)))
        return of_processor
    end)
end

local groups = {
    {"1 stream", 1, 1}, {"32 streams", 1, 32}, {"100 streams", 1, 100},
    {"10 sessions of 32", 10, 32},
}

function case.round(results)
    for _, group in ipairs(groups) do
        local label, sessions, streams = table.unpack(group)
        for _, name in ipairs(clients.all) do
            results:try(label .. ", by CPU", name, function()
                return measure_one(results, label, name, sessions, streams)
            end)
        end
    end
end

return case
