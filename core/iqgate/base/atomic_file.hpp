#pragma once
// The one writer of results: nothing appears under its final name unless it is whole and on the disk.
#include <functional>
#include <string>
#include <string_view>

namespace iqgate {

/// Lets `fill(temporary_path)` write name.tmp.PID beside `path`, then fsync, rename, fsync of the folder.
/// On any failure the temporary is removed and OutputError thrown (or what `fill` threw).
void write_atomically(const std::string& path, const std::function<void(const std::string&)>& fill);
/// The same for bytes in memory.
void write_file_atomically(const std::string& path, std::string_view bytes);
/// Adds one line to a file that only grows, under its lock: `line_for` gets all that stands there. On disk when this
/// returns; nothing is changed when `line_for` throws.
void append_line(const std::string& path, const std::function<std::string(const std::string&)>& line_for);
/// Puts a finished folder (its files are on disk) in its final place, on the same file system, in one step; a folder
/// that stands there is replaced.
void place_folder(const std::string& finished, const std::string& place);
/// Makes a folder and its parents; OutputError if it cannot be.
void make_folder(const std::string& path);

}  // namespace iqgate
