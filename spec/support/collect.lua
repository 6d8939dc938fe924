-- A helper for busted under which garbage is collected without a pause, so that what is not
-- anchored dies as early as it may.
collectgarbage("setpause", 0)
collectgarbage("setstepmul", 1000)
