-- Asks for one decision after another, from a file of bodies; with BENCH_PAUSE each connection rests between two requests,
-- for a random time around so many milliseconds, so that the load is even.
local folder = debug.getinfo(1, "S").source:match("^@(.*/)")
dofile(folder .. "report.lua")
local requests, count, pause = {}, 0, tonumber(os.getenv("BENCH_PAUSE") or "0")
local headers = {["Content-Type"] = "application/json", ["Tenure-Tenant"] = os.getenv("BENCH_TENANT")}

function init(arguments)
  for body in io.lines(os.getenv("BENCH_BODIES")) do
    requests[#requests + 1] = wrk.format("POST", os.getenv("BENCH_PATH"), headers, body)
  end
  math.randomseed(1)
end

function request()
  count = count % #requests + 1
  return requests[count]
end

if pause > 0 then
  function delay() return math.random(0, 2 * pause) end
end
