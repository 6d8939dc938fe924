--- A scripted peer that speaks frames over a real socket, to a server or a client of the library in
--- this same process: whenever it waits, it lets the library's loop turn. Every wait has an end.
local socket = require("socket")
local http2 = require("http2")
local frames = require("spec.support.frames")
local hpack = require("spec.support.hpack")

local rawpeer = {}

local Peer = {}
Peer.__index = Peer

local patience = 30 -- seconds; no wait takes as long on a machine that has time
local turns_per_second = 30 -- at least, so that a machine that stood still has had its chance

--- Lets the library's loop turn until `ready` gives something, which it returns; nil if that takes
--- too long. `wake` is a socket whose input is worth an immediate look. What else is to go on
--- meanwhile is `rawpeer.on_turn`.
function rawpeer.turn_until(ready, seconds, wake)
    seconds = seconds or patience
    local deadline = socket.gettime() + seconds
    local idle = 0
    repeat
        http2.run("nowait")
        if rawpeer.on_turn then
            rawpeer.on_turn()
        end
        local result, other = ready()
        if result ~= nil then
            return result, other
        end
        idle = idle + 1
        if idle > 3 then
            socket.select(wake and {wake} or {}, nil, 0.001)
        end
    until socket.gettime() > deadline and idle >= seconds * turns_per_second
    return nil
end

--- Lets the loop turn for so long, whatever happens.
function rawpeer.turn_for(seconds)
    rawpeer.turn_until(function() end, seconds)
end

--- The port on which a server of the library listens, once it does.
function rawpeer.port_of(server)
    return assert(rawpeer.turn_until(function()
        local address = server:address()
        return address and address.port
    end), "the server does not listen")
end

local function new_peer(connection)
    connection:settimeout(0)
    connection:setoption("tcp-nodelay", true)
    return setmetatable({
        socket = connection,
        input = "",
        at = 1,
        is_closed = false,
        seen = {},
        kept = {},
        inflate = hpack.decoder(),
        acknowledges = true,
    }, Peer)
end

--- A connection to a server of the library, without any octet sent. The kernel keeps at most about
--- `receive_buffer` octets of what is not read, where that is given.
function rawpeer.open(port, receive_buffer)
    local connection = assert(socket.tcp4())
    if receive_buffer then
        assert(connection:setoption("recv-buffer-size", receive_buffer))
    end
    connection:settimeout(patience)
    assert(connection:connect("127.0.0.1", port))
    return new_peer(connection)
end

--- A client that has sent its preface and SETTINGS {{id, value}, ...} and has seen those of the
--- server.
function rawpeer.connect(port, settings, receive_buffer)
    local peer = rawpeer.open(port, receive_buffer)
    peer:send(frames.preface, frames.settings(settings))
    peer:await("the server's SETTINGS", function(frame)
        return frame.type == frames.SETTINGS and not frames.has(frame, frames.ACK)
    end)
    return peer
end

--- A listener for clients of the library: {port, accept(settings), close()}. `accept` gives a peer
--- that has read the client's preface and sent its own, `accept_silent` one that has done nothing.
--- `receive_buffer` as for `rawpeer.open`.
function rawpeer.listen(receive_buffer)
    local listener = assert(socket.bind("127.0.0.1", 0))
    if receive_buffer then
        assert(listener:setoption("recv-buffer-size", receive_buffer))
    end
    local _, port = listener:getsockname()
    listener:settimeout(0)

    local function accept_silent()
        return new_peer(assert(rawpeer.turn_until(function()
            return (listener:accept())
        end), "no client connected"))
    end

    return {
        port = tonumber(port),
        accept_silent = accept_silent,
        accept = function(_, settings)
            local peer = accept_silent()
            peer:read_preface()
            peer:send(frames.settings(settings), frames.settings_ack())
            return peer
        end,
        close = function()
            listener:close()
        end,
    }
end

-- --------------------------------------------------------------------------------- octets

--- Sends octets, however long the other side takes. Gives false when it closes before all is sent:
--- after a fault that is its right.
function Peer:send(...)
    local octets = table.concat({...})
    local sent = 0
    local done = rawpeer.turn_until(function()
        local last, err, partial = self.socket:send(octets, sent + 1)
        sent = last or partial
        if err == "closed" then
            return false
        end
        return sent == #octets or nil
    end)
    assert(done ~= nil, "the other side does not read")
    return done
end

-- Takes what has arrived.
function Peer:_fill()
    local data, err, partial = self.socket:receive(65536)
    data = data or partial
    if data and #data > 0 then
        if self.recorder then
            self.recorder:feed(data)
        end
        self.input = self.input:sub(self.at) .. data
        self.at = 1
        return true
    end
    if err == "closed" then
        self.is_closed = true
    end
    return false
end

-- `size` octets, or nil when the connection ends before.
function Peer:_octets(size)
    local got = rawpeer.turn_until(function()
        local here = #self.input - self.at + 1
        if here >= size or not self:_fill() and self.is_closed then
            return here >= size
        end
    end, nil, self.socket)
    if not got then
        return nil
    end
    local octets = self.input:sub(self.at, self.at + size - 1)
    self.at = self.at + size
    return octets
end

function Peer:read_preface()
    assert(self:_octets(#frames.preface) == frames.preface, "not the preface of a client")
    local first = assert(self:read_raw(), "no frame after the preface")
    assert(first.type == frames.SETTINGS, "SETTINGS must come first (RFC 9113 3.4)")
    self.settings = first.settings
end

--- Ends the sending side of the connection.
function Peer:finish()
    self.socket:shutdown("send")
end

function Peer:close()
    self.socket:close()
    self.is_closed = true
end

--- Ends the connection by a TCP reset.
function Peer:abort()
    self.socket:setoption("linger", {on = true, timeout = 0})
    self:close()
end

--- PUSH_PROMISE of a GET that the client takes for one of this server, whose address it knows.
function Peer:promise(parent_id, promised_id, path)
    local _, port = self.socket:getsockname()
    return frames.push_promise(parent_id, promised_id, {":method", "GET", ":scheme", "http",
        ":path", path or "/pushed", ":authority", "127.0.0.1:" .. port})
end

-- --------------------------------------------------------------------------------- frames

-- Joins CONTINUATION frames to the HEADERS or PUSH_PROMISE before them, and decodes the block.
function Peer:_decode_block(frame)
    local block = frames.block(frame)
    local last = frame
    while not frames.has(last, frames.END_HEADERS) do
        last = assert(self:read_raw(), "a header block without an end")
        assert(last.type == frames.CONTINUATION and last.id == frame.id, "CONTINUATION expected")
        block = block .. last.payload
    end
    frame.block = block
    frame.fields = self.inflate:decode(block)
end

--- The next frame as it is; nil at the end of the connection or of patience.
function Peer:read_raw(seconds)
    return (rawpeer.turn_until(function()
        local frame, after = frames.parse(self.input, self.at)
        if frame then
            self.at = after
            return frame
        end
        if not self:_fill() and self.is_closed then
            return false
        end
    end, seconds, self.socket)) or nil
end

--- The next frame with its header block decoded. SETTINGS are acknowledged unless
--- `peer.acknowledges` is false.
function Peer:read(seconds)
    local frame = self:read_raw(seconds)
    if not frame then
        return nil
    end
    if frame.type == frames.HEADERS or frame.type == frames.PUSH_PROMISE then
        self:_decode_block(frame)
    elseif frame.type == frames.SETTINGS and not frames.has(frame, frames.ACK)
        and self.acknowledges then
        self:send(frames.settings_ack())
    end
    if #self.seen < 40 then
        self.seen[#self.seen + 1] = frames.describe(frame)
    end
    return frame
end

--- Reads until a frame for which `matches` holds; fails with what came instead.
function Peer:await(what, matches, seconds)
    local deadline = socket.gettime() + (seconds or patience)
    repeat
        local frame = self:read(deadline - socket.gettime())
        if not frame then
            break
        elseif matches(frame) then
            return frame
        end
    until socket.gettime() > deadline
    error(("expected %s, got %s, then %s"):format(what,
        #self.seen > 0 and table.concat(self.seen, ", ") or "nothing",
        self.is_closed and "the end of the connection" or "silence"), 2)
end

--- The next frame of a type, on a stream if one is given.
function Peer:await_frame(type, id)
    return self:await(frames.describe{type = type, id = id or 0}, function(frame)
        return frame.type == type and (id == nil or frame.id == id)
    end)
end

--- The acknowledgement of our last SETTINGS.
function Peer:await_settings_ack()
    return self:await("an acknowledgement of SETTINGS", function(frame)
        return frame.type == frames.SETTINGS and frames.has(frame, frames.ACK)
    end)
end

--- Fails unless the other side ends the connection with GOAWAY of this code, then closes.
function Peer:await_fault(code, seconds)
    local goaway = self:await("GOAWAY " .. code, function(frame)
        return frame.type == frames.GOAWAY and frame.code ~= 0
    end, seconds)
    local got = frames.error_names[goaway.code] or goaway.code
    assert(got == code, ("expected GOAWAY %s, got %s %q"):format(code, got, goaway.debug))
    self:await_end()
    return goaway
end

--- Fails unless the other side closes the connection; frames before that are skipped.
function Peer:await_end(seconds)
    local deadline = socket.gettime() + (seconds or patience)
    while self:read(deadline - socket.gettime()) do
        assert(socket.gettime() < deadline, "the connection is not closed")
    end
    assert(self.is_closed, "the connection is not closed")
end

--- Fails unless the stream, and not the connection, is reset with this code.
function Peer:await_reset(id, code)
    local frame = self:await(("RST_STREAM(%d) %s"):format(id, code), function(frame)
        return frame.type == frames.RST_STREAM and frame.id == id
            or frame.type == frames.GOAWAY and frame.code ~= 0
    end)
    assert(frame.type == frames.RST_STREAM,
        "the connection ended instead of the stream: " .. frames.describe(frame))
    local got = frames.error_names[frame.code] or frame.code
    assert(got == code, ("expected RST_STREAM %s, got %s"):format(code, got))
    return frame
end

-- The next HEADERS or DATA of a stream; those of other streams are kept for their own answers.
function Peer:_next_of_answer(id)
    local kept = self.kept[id]
    if kept and #kept > 0 then
        return table.remove(kept, 1)
    end
    return self:await(("an answer on stream %d"):format(id), function(frame)
        assert(not (frame.type == frames.RST_STREAM and frame.id == id
            or frame.type == frames.GOAWAY and frame.code ~= 0),
            ("stream %d got no answer but %s"):format(id, frames.describe(frame)))
        if frame.type ~= frames.HEADERS and frame.type ~= frames.DATA then
            return false
        elseif frame.id == id then
            return true
        end
        self.kept[frame.id] = self.kept[frame.id] or {}
        table.insert(self.kept[frame.id], frame)
        return false
    end)
end

--- The whole answer on a stream: {status, fields, body, trailers}. What it holds is credited.
function Peer:await_answer(id)
    local answer = {body = ""}
    repeat
        local frame = self:_next_of_answer(id)
        if frame.type == frames.DATA then
            answer.body = answer.body .. frame.payload
            if #frame.payload > 0 then
                self:send(frames.window_update(0, #frame.payload),
                    frames.has(frame, frames.END_STREAM) and ""
                        or frames.window_update(id, #frame.payload))
            end
        elseif answer.status then
            answer.trailers = frame.fields
        elseif frame.fields[":status"]:sub(1, 1) ~= "1" then
            answer.status = tonumber(frame.fields[":status"])
            answer.fields = frame.fields
        end
    until frames.has(frame, frames.END_STREAM)
    return answer
end

--- Fails unless a GET on this new stream gets 200: the connection, its compression state included,
--- is in step.
function Peer:await_service(id)
    self:send(frames.get(id))
    local answer = self:await_answer(id)
    assert(answer.status == 200, "status " .. answer.status)
    return answer
end

--- Sends what `next_octets(count)` gives, up to `most` times, each when the other side has read the
--- one before, until GOAWAY comes. Gives how often it was sent, and the GOAWAY.
function Peer:send_until_goaway(most, next_octets)
    for count = 1, most do
        self:send(next_octets(count), frames.ping("read it?"))
        local frame = self:await("GOAWAY or an answer to PING", function(frame)
            return frame.type == frames.GOAWAY
                or frame.type == frames.PING and frame.payload == "read it?"
        end)
        if frame.type == frames.GOAWAY then
            return count, frame
        end
    end
    return most, self:await_frame(frames.GOAWAY)
end

--- Sends what `next_octets(count)` gives, up to `most` times, without reading. Fails unless the
--- other side stops taking it, or says GOAWAY when it is read at last.
function Peer:flood(most, next_octets)
    for count = 1, most do
        local octets, at = next_octets(count), 1
        local sent = rawpeer.turn_until(function()
            local last, err, partial = self.socket:send(octets, at)
            at = (last or partial) + 1
            if last or err == "closed" then
                return last ~= nil
            end
        end, 1)
        if not sent then
            return
        end
    end
    assert(self:await_frame(frames.GOAWAY).code == frames.errors.ENHANCE_YOUR_CALM)
end

--- Fails unless a PING comes back: what was sent before has been read and done no harm. Gives the
--- frames that came before it.
function Peer:await_pong()
    local before = {}
    self:send(frames.ping("are you?"))
    self:await("an answer to PING", function(frame)
        before[#before + 1] = frame
        return frame.type == frames.PING and frames.has(frame, frames.ACK)
            and frame.payload == "are you?"
    end)
    before[#before] = nil
    return before
end

return rawpeer
