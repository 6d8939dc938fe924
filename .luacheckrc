-- The library runs under Lua 5.4 and LuaJIT alike; specs and examples are for 5.4.
std = "min"
codes = true
max_line_length = 100
exclude_files = {"build"}
files["spec"] = {std = "lua54+busted"}
files["examples"] = {std = "lua54"}
files["rockspec"] = {std = "rockspec"}
files[".luacheckrc"] = {std = "luacheckrc"}
include_files = {"**/*.lua", "rockspec/*.rockspec", ".busted", ".luacheckrc"}
