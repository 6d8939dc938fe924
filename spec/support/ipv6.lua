--- IPv6 is not everywhere: what needs it is left out where there is none.
local socket = require("socket")

local ipv6 = {}

--- Whether this machine can speak IPv6 with itself.
function ipv6.is_here()
    local probe = socket.tcp6()
    local is_bound = probe and probe:bind("::1", 0) == 1
    if probe then
        probe:close()
    end
    return is_bound
end

return ipv6
