--- The code of the error object that fn(...) raises; fails when it raises none.
local http2 = require("http2")

return function(fn, ...)
    local ok, err = pcall(fn, ...)
    assert(not ok, "nothing was raised")
    assert(http2.isError(err), tostring(err))
    return err.code
end
