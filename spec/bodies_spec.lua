-- Bodies of every awkward size arrive whole, up and down, whatever the window and however many
-- streams there are; and nothing stands still while it may go on.
local loop = require("spec.support.loop")
local pair = require("spec.support.pair")
local payload = require("spec.support.payload")
local timers = require("http2.timers")

local small = {0, 1, 1023, 1024, 1025, 16383, 16384, 16385, 65534, 65535, 65536, 65537}
local huge = 10000000

-- Raises in the loop when nothing has moved for two seconds: twenty turns of the loop, a tenth of a
-- second apart, so that a machine that stood still has had its chance.
local function watch_progress(done)
    local progress = {still = 0}
    local timer
    timer = timers.setInterval(function()
        progress.still = progress.still + 1
        if done() then
            timers.clearInterval(timer)
        elseif progress.still > 20 then
            timers.clearInterval(timer)
            error("nothing moved for two seconds", 0)
        end
    end, 100)
    timer:unref()
    return progress
end

-- Checks a body as it arrives, so that ten megabytes need not be kept for each of many streams.
local function check(stream, size, progress, done)
    local at = 0
    stream:on("data", function(chunk)
        progress.still = 0
        local wanted = payload.slice(at, #chunk)
        if at + #chunk > size or chunk ~= wanted then
            error(("wrong octets at %d of %d"):format(at, size), 0)
        end
        at = at + #chunk
    end)
    stream:on("end", function()
        if at ~= size then
            error(("the body ended after %d of %d octets"):format(at, size), 0)
        end
        done()
    end)
end

local function send(stream, size)
    if size == 0 then
        stream:finish()
    else
        stream:finish(payload.make(size))
    end
end

-- Sends and receives a body of each size in turn, `width` streams at once.
local function transfer(window, width, sizes)
    local options = {settings = {initialWindowSize = window}, maxSessionMemory = 100}
    local left = #sizes
    local progress = watch_progress(function() return left == 0 end)

    pair.play{
        seconds = 240,
        server_options = options,
        client_options = options,
        server = function(server)
            server:on("stream", function(stream, headers)
                local size = tonumber(headers["x-size"])
                local function respond()
                    stream:respond({["content-length"] = size})
                    send(stream, size)
                end
                check(stream, size, progress, respond)
            end)
        end,
        client = function(session)
            local started = 0
            local function start()
                started = started + 1
                local size = sizes[started]
                if not size then
                    return
                end
                local stream = session:request({
                    [":method"] = "POST", [":path"] = "/", ["x-size"] = size,
                })
                check(stream, size, progress, function()
                    left = left - 1
                    if left == 0 then
                        session:close()
                    else
                        start()
                    end
                end)
                send(stream, size)
            end
            -- Only with the server's settings is its window the one that is meant.
            session:once("remoteSettings", function()
                for _ = 1, width do
                    start()
                end
            end)
        end,
    }
    assert.equal(0, left)
end

-- Every size up to `limit`, then as many of those up to `filler` as `width` streams need.
local function sizes_for(width, limit, filler)
    local sizes, fillers = {}, {}
    for _, size in ipairs(small) do
        if size <= limit then
            sizes[#sizes + 1] = size
        end
        if size <= filler then
            fillers[#fillers + 1] = size
        end
    end
    for index = 1, width - #sizes do
        sizes[#sizes + 1] = fillers[(index - 1) % #fillers + 1]
    end
    return sizes
end

describe("bodies of all sizes arrive whole", function()
    after_each(loop.clean)

    for _, width in ipairs{1, 32, 100} do
        local streams = width == 1 and "one stream" or width .. " streams at once"

        it("on " .. streams .. " with windows of one octet", function()
            transfer(1, width, sizes_for(width, 65536, 1025))
        end)

        it("on " .. streams .. " with windows of 64 KB", function()
            transfer(65535, width, sizes_for(width, 65537, 65537))
        end)

        it("on " .. streams .. " with windows of 16 MB", function()
            transfer(16 * 1024 * 1024, width, sizes_for(width, 65537, 65537))
        end)

        it("on " .. streams .. ", ten megabytes among them", function()
            for _, window in ipairs{65535, 16 * 1024 * 1024} do
                local sizes = sizes_for(width, 65537, 65537)
                table.insert(sizes, 1, huge)
                transfer(window, width, sizes)
            end
        end)
    end
end)
