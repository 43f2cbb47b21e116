-- Sends single commands, each with a key of its own: one person after another joins a group, then the next group.
local folder = debug.getinfo(1, "S").source:match("^@(.*/)")
dofile(folder .. "report.lua")
local count, run = 0, os.getenv("BENCH_RUN")
local first, persons = tonumber(os.getenv("BENCH_GROUP")), tonumber(os.getenv("BENCH_PERSONS"))
local headers = {["Content-Type"] = "application/json", ["Tenure-Tenant"] = os.getenv("BENCH_TENANT")}

function request()
  local person, group = count % persons, first + math.floor(count / persons)
  headers["Idempotency-Key"] = string.format('"http-%s-%d"', run, count)
  count = count + 1
  return wrk.format("POST", string.format("/v1/groups/load-%04d/members", group), headers,
    string.format('{"member":"identity:person-%07d","reason":"Change of the access configuration"}', person))
end
