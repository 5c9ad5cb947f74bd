-- Orthanc writes each stable series into a folder of its own, then the marker that `iqgate watch --marker DONE` waits for.
-- The folder is named by Orthanc's own number of the series, never by what the scan says.
local incoming = os.getenv('IQGATE_INCOMING') or '/srv/incoming'

function OnStableSeries(seriesId, tags, metadata)
  local folder = incoming .. '/' .. seriesId
  os.execute('mkdir -p "' .. folder .. '"')
  os.remove(folder .. '/DONE')
  local series = ParseJson(RestApiGet('/series/' .. seriesId))
  for number, instance in ipairs(series['Instances']) do
    local file = assert(io.open(string.format('%s/%06d.dcm', folder, number), 'wb'))
    file:write(RestApiGet('/instances/' .. instance .. '/file'))
    file:close()
  end
  io.open(folder .. '/DONE', 'w'):close()
end
