--- Programs of their own, for specs that look at how a state begins and ends. Where the spec runs
--- under valgrind, so do they.
local busted = require("busted")
local process = require("spec.support.process")

local assert = busted.assert
local child = {}

local under_valgrind = process.read_file("/proc/self/maps"):find("vgpreload", 1, true) ~= nil

--- The words that run a program, watched as this one is.
function child.watched(...)
    local words = {...}
    if under_valgrind then
        -- A child that leaves without lua_close leaves its state behind: that is not lost.
        local prefix = {"valgrind", "-q", "--leak-check=full", "--show-leak-kinds=definite",
            "--errors-for-leak-kinds=definite", "--error-exitcode=99"}
        for _, word in ipairs(words) do
            prefix[#prefix + 1] = word
        end
        return prefix
    end
    return words
end

--- Makes `folder/name` of the C text in `folder/<name without .so>.c`, against Lua 5.4.
function child.build(folder, name, flags)
    local source = folder .. "/" .. name:gsub("%.so$", "") .. ".c"
    local words = {"cc -g", flags or "", source, "-o", folder .. "/" .. name,
        "$(pkg-config --cflags lua5.4)", flags and "" or "$(pkg-config --libs lua5.4)"}
    assert.equal("", process.run({"sh", "-c", table.concat(words, " ")}).err)
end

--- Runs Lua text as a program; it must end in order, with nothing to say on standard error.
function child.run(text, ...)
    local folder = process.folder()
    process.write_file(folder .. "/program.lua", text)
    local result = process.run(child.watched(process.interpreter(), folder .. "/program.lua", ...),
        {seconds = 600, ours = true})
    process.remove(folder)
    assert.equal("", result.err)
    assert.equal(0, result.status)
    return result.out
end

return child
