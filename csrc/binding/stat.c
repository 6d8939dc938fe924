#include "binding/stat.h"

#include "binding/args.h"

static const char metatable_key;

/* ------------------------------------------------------------------------------------ kinds */

static int is_kind(lua_State *L, mode_t kind) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_getfield(L, 1, "mode");
    lua_pushboolean(L, ((mode_t)lua_tointeger(L, -1) & S_IFMT) == kind);
    return 1;
}

#define IS_KIND(name, kind)                                                                        \
    static int name(lua_State *L) {                                                                \
        return is_kind(L, kind);                                                                   \
    }

IS_KIND(is_file, S_IFREG)
IS_KIND(is_directory, S_IFDIR)
IS_KIND(is_fifo, S_IFIFO)
IS_KIND(is_socket, S_IFSOCK)
IS_KIND(is_character_device, S_IFCHR)
IS_KIND(is_block_device, S_IFBLK)
IS_KIND(is_symbolic_link, S_IFLNK)

static const luaL_Reg methods[] = {{"isFile", is_file},
                                   {"isDirectory", is_directory},
                                   {"isFIFO", is_fifo},
                                   {"isSocket", is_socket},
                                   {"isCharacterDevice", is_character_device},
                                   {"isBlockDevice", is_block_device},
                                   {"isSymbolicLink", is_symbolic_link},
                                   {NULL, NULL}};

/* Pushes the metatable, made when first needed. [-0, +1, m] */
static void push_metatable(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &metatable_key);
    if (!lua_isnil(L, -1))
        return;
    lua_pop(L, 1);
    lua_createtable(L, 0, 1);
    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    lua_setfield(L, -2, "__index");
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &metatable_key);
}

/* ----------------------------------------------------------------------------------- figures */

static void set_figure(lua_State *L, const char *name, int64_t value) {
    lua_pushinteger(L, (lua_Integer)value);
    lua_setfield(L, -2, name);
}

static void set_time(lua_State *L, const char *name, const char *name_ms, struct timespec time) {
    set_figure(L, name, (int64_t)time.tv_sec);
    lua_pushnumber(L, (lua_Number)time.tv_sec * 1e3 + (lua_Number)time.tv_nsec / 1e6);
    lua_setfield(L, -2, name_ms);
}

void lh2_push_stat(lua_State *L, const struct stat *stat) {
    lua_createtable(L, 0, 16);
    set_figure(L, "dev", (int64_t)stat->st_dev);
    set_figure(L, "ino", (int64_t)stat->st_ino);
    set_figure(L, "mode", (int64_t)stat->st_mode);
    set_figure(L, "nlink", (int64_t)stat->st_nlink);
    set_figure(L, "uid", (int64_t)stat->st_uid);
    set_figure(L, "gid", (int64_t)stat->st_gid);
    set_figure(L, "rdev", (int64_t)stat->st_rdev);
    set_figure(L, "size", (int64_t)stat->st_size);
    set_figure(L, "blksize", (int64_t)stat->st_blksize);
    set_figure(L, "blocks", (int64_t)stat->st_blocks);
    set_time(L, "atime", "atimeMs", stat->st_atim);
    set_time(L, "mtime", "mtimeMs", stat->st_mtim);
    set_time(L, "ctime", "ctimeMs", stat->st_ctim);
    push_metatable(L);
    lua_setmetatable(L, -2);
}

/* -------------------------------------------------------------------------------- descriptors */

/* The io library's file at `index`; false for any other value. *file is NULL once it is closed. */
static bool test_file(lua_State *L, int index, FILE **file) {
    if (lua_type(L, index) != LUA_TUSERDATA || !lua_getmetatable(L, index))
        return false;
    luaL_getmetatable(L, LUA_FILEHANDLE);
    bool is_file = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    if (!is_file)
        return false;
#if LUA_VERSION_NUM == 501
    *file = *(FILE **)lua_touserdata(L, index);
#else
    const luaL_Stream *stream = lua_touserdata(L, index);
    *file = stream->closef ? stream->f : NULL;
#endif
    return true;
}

int lh2_check_descriptor(lua_State *L, int index, const char *name) {
    FILE *file;
    int64_t descriptor = -1;
    if (test_file(L, index, &file)) {
        if (!file)
            lh2_raise_value(L, name, "is a closed file", index);
        return fileno(file);
    }
    if (!lua_compat_integer(L, index, &descriptor))
        lh2_raise_type(L, name, "an integer or a file of the io library", index);
    return descriptor < 0 || descriptor > INT32_MAX ? -1 : (int)descriptor;
}
