// The reader of each format. Private to the room.
#pragma once

#include <string>
#include <string_view>

#include "aggregator/feeds/load.h"

namespace outflow::feeds {

// What a format's own documentation says of a service, of the feed's own spelling.
[[nodiscard]] RangeClass class_of(Format format, std::string service, std::string region);

[[nodiscard]] Result<void> read_json(Format format, const std::string& text, Draft& draft);
// Lines of text cannot be wrong as a whole: each is taken or refused.
void read_cidr_list(Format format, std::string_view text, Draft& draft);
void read_geofeed(std::string_view text, Draft& draft);

}  // namespace outflow::feeds
