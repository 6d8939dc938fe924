-- The rock: what LuaRocks makes of the rockspec works on its own, and has every Lua file.

local rockspec_path = "rockspec/http2-dev-1.rockspec"

local function run(command)
    local pipe = assert(io.popen("{ " .. command .. "; } 2>&1"))
    local output = pipe:read("a")
    assert(pipe:close(), command .. "\n" .. output)
    return output
end

local here = run("pwd"):gsub("\n", "")

describe("the rock", function()
    -- LuaRocks builds beside the sources, so it works on a copy.
    local function install(version, settings)
        local place = here .. "/build/rock-" .. version
        run(("rm -rf %s && mkdir -p %s && cp -r CMakeLists.txt csrc lua rockspec %s"):format(
            place, place, place))
        run(("cd %s && luarocks --lua-version=%s --tree tree make %s %s"):format(
            place, version, rockspec_path, settings))
        return place .. "/tree"
    end

    local function one_request(interpreter, version, tree)
        local script = here .. "/spec/support/one_request.lua"
        return run(("cd / && LUA_PATH='%s/share/lua/%s/?.lua;%s/share/lua/%s/?/init.lua'"
            .. " LUA_CPATH='%s/lib/lua/%s/?.so' timeout 20 %s %s"):format(
            tree, version, tree, version, tree, version, interpreter, script))
    end

    local function lua_files(folder)
        return run(("cd %s && find http2 -name '*.lua' | sort"):format(folder))
    end

    -- Every C file that a build of the rock compiled, once each, in order.
    local function compiled(place)
        return run(("sed -n 's|.*\"file\": \".*/\\(csrc/.*\\)\".*|\\1|p'"
            .. " %s/build.luarocks/compile_commands.json | sort"):format(place))
    end

    it("installs into an empty tree and serves a request, for Lua 5.4", function()
        local tree = install("5.4", "")
        assert.are.equal(run("find csrc -name '*.c' | sort"), compiled(tree .. "/.."))
        assert.are.equal(lua_files(here .. "/lua"), lua_files(tree .. "/share/lua/5.4"))
        assert.are.equal("you asked for /installed\n", one_request("lua5.4", "5.4", tree))
    end)

    it("installs into an empty tree and serves a request, for LuaJIT", function()
        local tree = install("5.1", "LUA_INCDIR=/usr/include/luajit-2.1")
        assert.are.equal("you asked for /installed\n", one_request("luajit", "5.1", tree))
    end)
end)
