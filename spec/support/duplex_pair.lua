--- A Duplex that is a plain Lua table: one end of a pipe in memory.
local core = require("http2_core")
local timers = require("http2.timers")

local Duplex = {}
Duplex.__index = Duplex

-- One end of a pipe in memory, a plain Lua table; `high_water` octets lie at the most before write
-- says false.
local function new_duplex(high_water)
    return setmetatable({
        emitter = core.EventEmitter(), queue = {}, size = 0, is_flowing = false,
        high_water = high_water or 16384, full = 0,
    }, Duplex)
end

function Duplex:on(name, listener)
    self.emitter:on(name, listener)
    return self
end

function Duplex:later(fn)
    timers.setImmediate(function()
        fn(self)
    end)
end

function Duplex:deliver()
    while self.is_flowing and #self.queue > 0 do
        local octets = table.remove(self.queue, 1)
        if octets == false then
            self.emitter:emit("end")
        else
            self.size = self.size - #octets
            self.emitter:emit("data", octets)
        end
    end
    if self.peer.is_full and self.size < self.high_water then
        self.peer.is_full = false
        self.peer.emitter:emit("drain")
    end
end

function Duplex:resume()
    self.is_flowing = true
    self:later(self.deliver)
end

function Duplex:pause()
    self.is_flowing = false
end

function Duplex:write(octets)
    local peer = self.peer
    peer.queue[#peer.queue + 1] = octets
    peer.size = peer.size + #octets
    peer:later(peer.deliver)
    self.is_full = peer.size >= peer.high_water
    self.full = self.full + (self.is_full and 1 or 0)
    return not self.is_full
end

function Duplex:finish()
    self.peer.queue[#self.peer.queue + 1] = false
    self.peer:later(self.peer.deliver)
    self:later(function()
        self.emitter:emit("finish")
    end)
end

function Duplex:destroy(err)
    if self.destroyed then
        return
    end
    self.destroyed = true
    self:later(function()
        if err then
            self.emitter:emit("error", err)
        end
        self.emitter:emit("close")
    end)
end

--- Two ends of one pipe; `high_water` octets (16384) lie in it at the most before write says false.
local function duplex_pair(high_water)
    local a, b = new_duplex(high_water), new_duplex(high_water)
    a.peer, b.peer = b, a
    return a, b
end

return duplex_pair
