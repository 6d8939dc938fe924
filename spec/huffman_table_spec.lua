-- The generated table of the HPACK Huffman code is what its generator makes.

local function read_all(file)
    local text = assert(file):read("a")
    file:close()
    return text
end

describe("csrc/hpack/huffman_table.h", function()
    it("is what gen_huffman.lua writes", function()
        local folder = "csrc/hpack/"
        local made = read_all(io.popen("lua5.4 " .. folder .. "gen_huffman.lua"))
        local kept = read_all(io.open(folder .. "huffman_table.h"))
        assert.is_true(#made > 10000)
        assert.is_true(made == kept)
    end)
end)
