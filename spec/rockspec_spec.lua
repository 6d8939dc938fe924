-- The rock: what it lists is what there is, and what LuaRocks makes of it works on its own.

local rockspec_path = "rockspec/http2-dev-1.rockspec"
local rock = {}
assert(loadfile(rockspec_path, "t", rock))()

local function run(command)
    local pipe = assert(io.popen("{ " .. command .. "; } 2>&1"))
    local output = pipe:read("a")
    assert(pipe:close(), command .. "\n" .. output)
    return output
end

local function files(command)
    local result = {}
    for path in run(command):gmatch("[^\n]+") do
        result[#result + 1] = path
    end
    return result
end

-- What is in the first list and not in the second.
local function missing(wanted, present)
    local is_present, result = {}, {}
    for _, entry in ipairs(present) do
        is_present[entry] = true
    end
    for _, entry in ipairs(wanted) do
        result[#result + 1] = not is_present[entry] and entry or nil
    end
    return result
end

local function assert_same_entries(in_tree, in_rockspec)
    assert.are.same({}, missing(in_tree, in_rockspec), "not in the rockspec")
    assert.are.same({}, missing(in_rockspec, in_tree), "not in the tree")
end

describe("the rockspec", function()
    it("lists the C sources of the tree", function()
        assert_same_entries(files("find csrc -name '*.c'"), rock.build.modules.http2_core.sources)
    end)

    it("lists the Lua files of the tree under their module names", function()
        local in_tree, in_rockspec = {}, {}
        for _, path in ipairs(files("find lua -name '*.lua'")) do
            local name = path:gsub("^lua/", ""):gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", ".")
            in_tree[#in_tree + 1] = name .. " = " .. path
        end
        for name, module in pairs(rock.build.modules) do
            if type(module) == "string" then
                in_rockspec[#in_rockspec + 1] = name .. " = " .. module
            end
        end
        assert_same_entries(in_tree, in_rockspec)
    end)
end)

describe("the rock", function()
    -- LuaRocks leaves its object files beside the sources, so it works on a copy.
    local function install(version, settings)
        local place = run("pwd"):gsub("\n", "") .. "/build/rock-" .. version
        run(("rm -rf %s && mkdir -p %s && cp -r csrc lua rockspec %s"):format(place, place, place))
        run(("cd %s && luarocks --lua-version=%s --tree tree make %s %s"):format(
            place, version, rockspec_path, settings))
        return place .. "/tree"
    end

    local function one_request(interpreter, version, tree)
        local script = run("pwd"):gsub("\n", "") .. "/spec/support/one_request.lua"
        return run(("cd / && LUA_PATH='%s/share/lua/%s/?.lua;%s/share/lua/%s/?/init.lua'"
            .. " LUA_CPATH='%s/lib/lua/%s/?.so' timeout 20 %s %s"):format(
            tree, version, tree, version, tree, version, interpreter, script))
    end

    it("installs into an empty tree and serves a request, for Lua 5.4", function()
        local tree = install("5.4", "")
        assert.are.equal("you asked for /installed\n", one_request("lua5.4", "5.4", tree))
    end)

    it("installs into an empty tree and serves a request, for LuaJIT", function()
        local tree = install("5.1", "LUA_INCDIR=/usr/include/luajit-2.1")
        assert.are.equal("you asked for /installed\n", one_request("luajit", "5.1", tree))
    end)
end)
