-- One line of figures for the bench, from what wrk counted.
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format("requests=%d microseconds=%d p99=%.1f failed=%d\n", summary.requests, summary.duration,
    latency:percentile(99), errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
