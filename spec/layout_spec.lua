-- The tree itself: which folder may include which, and what lies at the top.

local function lines_of(command)
    local pipe = assert(io.popen(command))
    local lines = {}
    for line in pipe:lines() do
        lines[#lines + 1] = line
    end
    assert(pipe:close(), command)
    return lines
end

local function set(...)
    local result = {}
    for _, name in ipairs{...} do
        result[name] = true
    end
    return result
end

-- binding -> net -> h1, h2 -> hpack -> base
local may_include = {
    base = set(),
    hpack = set("base"),
    h2 = set("hpack", "base"),
    h1 = set("base"),
    net = set("h2", "h1", "hpack", "base"),
    binding = set("net", "h2", "h1", "hpack", "base"),
}

-- The folders that may use a library of others, by the first part of its headers' names.
local library_users = {
    ["uv.h"] = set("net"),
    ["mbedtls"] = set("net"),
    ["psa"] = set("net"),
    ["llhttp.h"] = set("h1"),
    ["http_parser.h"] = set("h1"),
    ["lua.h"] = set("binding"),
    ["lauxlib.h"] = set("binding"),
    ["lualib.h"] = set("binding"),
    ["luajit.h"] = set("binding"),
}

local function folder_of(path)
    return path:match("^csrc/([^/]+)/")
end

-- Calls visit(folder, kind, name, place) for every include in csrc/; kind is '"' or '<'.
local function each_include(visit)
    for _, path in ipairs(lines_of("find csrc -name '*.[ch]'")) do
        local number = 0
        for line in io.lines(path) do
            number = number + 1
            local kind, name = line:match('^%s*#%s*include%s*(["<])([^">]+)')
            if name then
                visit(folder_of(path), kind, name, path .. ":" .. number .. " includes " .. name)
            end
        end
    end
end

describe("the source tree", function()
    it("has no folders but those of the layers", function()
        for _, path in ipairs(lines_of("find csrc -mindepth 1 -maxdepth 1")) do
            assert.is_truthy(may_include[path:match("[^/]+$")], path)
        end
    end)

    it("includes in one direction only", function()
        each_include(function(folder, kind, name, place)
            local other = name:match("^([^/]+)/")
            if kind == '"' then
                assert.is_truthy(other == folder or may_include[folder][other], place)
            end
        end)
    end)

    it("includes of another folder only the header of its name, and any of base", function()
        each_include(function(folder, kind, name, place)
            local other = name:match("^([^/]+)/")
            if kind == '"' and other ~= folder and other ~= "base" then
                assert.is_truthy(name == other .. "/" .. other .. ".h", place)
            end
        end)
    end)

    it("uses each library in its one folder only", function()
        each_include(function(folder, kind, name, place)
            local users = kind == "<" and library_users[name:match("^[^/]+")]
            assert.is_truthy(not users or users[folder], place)
        end)
    end)

    it("names the guard of a header after its path", function()
        for _, path in ipairs(lines_of("find csrc -name '*.h'")) do
            local guard = path:gsub("^csrc/", ""):gsub("[/.]", "_"):upper()
            local file <close> = assert(io.open(path))
            local text = file:read("a")
            local opening = "#ifndef " .. guard .. "\n#define " .. guard .. "\n"
            assert.is_truthy(text:find(opening, 1, true),
                path .. " has no guard " .. guard)
        end
    end)

    it("has only known names at the top", function()
        local known = set(".busted", ".ci", ".clang-format", ".git", ".gitignore", ".luacheckrc",
            "CHANGELOG.md", "CMakeLists.txt", "LICENSE", "README.md", "csrc", "examples", "lua",
            "rockspec", "spec", "build")
        for _, name in ipairs(lines_of("ls -A")) do
            assert.is_truthy(known[name], name)
        end
    end)
end)

describe("the built module", function()
    for _, path in ipairs{"build/http2_core.so", "build/luajit/http2_core.so"} do
        it("exports nothing but its entry: " .. path, function()
            local symbols = lines_of("nm -D --defined-only " .. path)
            assert.are.equal(1, #symbols)
            assert.is_truthy(symbols[1]:find(" T luaopen_http2_core$"), symbols[1])
        end)

        it("takes Lua from its host: " .. path, function()
            for _, line in ipairs(lines_of("readelf -d " .. path)) do
                assert.is_falsy(line:find("NEEDED") and line:find("lua"), line)
            end
        end)
    end
end)
