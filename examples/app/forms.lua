--- Forms: url-encoded ones as a table, multipart ones part by part as they come, so that an upload
--- of any size takes no more memory than its largest chunk.
local router = require("app.router")

local forms = {}

local max_form = 64 * 1024
local max_head = 8 * 1024

--- Reads an url-encoded form: done(fields), or done(nil) where it is larger than a form may be.
function forms.read(request, done)
    local chunks, size = {}, 0
    request:on("data", function(chunk)
        size = size + #chunk
        chunks[#chunks + 1] = size <= max_form and chunk or nil
    end)
    request:on("end", function()
        done(size <= max_form and router.parse_query(table.concat(chunks)) or nil)
    end)
end

local function part_of(head)
    local disposition = head:match("[Cc]ontent%-[Dd]isposition:([^\r\n]*)") or ""
    return {
        name = disposition:match('[ ;]name="([^"]*)"'),
        filename = disposition:match('filename="([^"]*)"'),
        type = head:match("[Cc]ontent%-[Tt]ype:%s*([^\r\n]*)"),
    }
end

--- Reads a multipart form: on_part(part) is called for each, with {name, filename, type}, and may
--- set part.data and part.finish, functions that get its octets and its end. done(true) follows, or
--- done(false) where the form is not what it should be.
function forms.read_multipart(request, on_part, done)
    local kind = request.headers["content-type"] or ""
    local boundary = kind:match('boundary="([^"]+)"') or kind:match("boundary=([^;]+)")
    local delimiter = boundary and "\r\n--" .. boundary
    local held, part, is_over, is_broken = "\r\n", nil, false, not boundary

    local function tell(name, ...)
        if part and part[name] then
            part[name](...)
        end
    end

    -- Takes one thing from what is held; false when more is needed.
    local function step()
        local at, last = held:find(delimiter, 1, true)
        if not at then
            local safe = #held - #delimiter -- what cannot be the beginning of a delimiter
            if part and safe > 0 then
                tell("data", held:sub(1, safe))
                held = held:sub(safe + 1)
            end
            is_broken = is_broken or (not part and #held > max_head)
            return false
        end
        if held:sub(last + 1, last + 2) == "--" then
            tell("data", held:sub(1, at - 1))
            tell("finish")
            is_over = true
            return false
        end
        local head, body = held:match("^\r\n(.-\r\n)\r\n()", last + 1)
        if not head then
            is_broken = #held - last > max_head
            return false
        end
        if part and at > 1 then
            tell("data", held:sub(1, at - 1))
        end
        tell("finish")
        part, held = part_of(head), held:sub(body)
        on_part(part)
        return true
    end

    request:on("data", function(chunk)
        if not is_over and not is_broken then
            held = held .. chunk
            repeat until not step()
        end
    end)
    request:on("end", function()
        done(is_over and not is_broken)
    end)
end

return forms
