# Upload a file with rest-client: ruby upload.rb ADDRESS CLIENT FILE [NOTES], with BULK_IMPORT_TOKEN set.

require "json"
require "rest-client"
require "securerandom"

LATER = [408, 429, 502, 503, 504]
BROKEN = [RestClient::Exception, SystemCallError, SocketError, IOError, OpenSSL::SSL::SSLError]

def send_file(url, path, notes, key)
  headers = { # no Content-Type: rest-client sets it with the boundary
    accept: "application/json",
    authorization: "Bearer #{ENV.fetch("BULK_IMPORT_TOKEN")}",
    "Idempotency-Key" => key
  }
  payload = { notes: notes, file: File.new(path, "rb") } # rest-client sends a temporary copy
  RestClient::Request.execute(method: :post, url:, headers:, payload:, read_timeout: 60) do |response|
    response # for any status: without this block, 4xx and 5xx raise
  end
end

# Print the outcome of each project. Raises JSON::ParserError or IOError if the response was cut off.
def report(status, text)
  answer = [207, 409].include?(status) ? JSON.parse(text) : {}
  errors = status == 207 ? answer["details"]["errors"] : answer["errors"]
  if errors.nil?
    warn "refused with #{status}: #{text}"
    return 2
  end
  raise IOError, "the response was cut off" if status == 207 && answer["complete"] != true

  (status == 207 ? answer["details"]["successes"] : []).each do |item|
    puts "#{item["outcome"]} #{item["external_id"]} #{item["name"]}"
  end
  errors.each do |item|
    puts "failed #{item["external_id"] || item["file"] || "-"}, line #{item["line"]}: #{item["error"]}, #{item["message"]}"
  end
  puts answer["message"]
  errors.empty? ? 0 : 1
end

def upload(url, path, notes)
  key = SecureRandom.uuid
  wait = 0
  [1, 2, 4, 8, 16, 32].each do |pause|
    sleep wait
    wait = pause
    response = send_file(url, path, notes, key)
    later = response.headers[:retry_after]
    return report(response.code, response.body) unless later || LATER.include?(response.code)

    warn "#{response.code} #{response.body}"
    wait = later.to_i if later
  rescue *BROKEN, JSON::ParserError => e
    warn e.message
  end
  2
end

address, client, path, notes = ARGV
if path.nil? || ENV["BULK_IMPORT_TOKEN"].to_s.empty?
  warn "usage: upload.rb ADDRESS CLIENT FILE [NOTES], with the token in BULK_IMPORT_TOKEN"
  exit 2
end
unless File.readable?(path)
  warn "#{path} cannot be read"
  exit 2
end
exit upload("#{address}/api/v2/clients/#{client}/projects/bulk", path, notes.to_s)
