#include <xlsxwriter.h>

#include <memory>

#include "iqgate/base/atomic_file.hpp"
#include "iqgate/base/error.hpp"
#include "iqgate/report/exports.hpp"

namespace iqgate::report {
namespace {

// Fixed, so that the same result gives the same bytes.
void set_date(lxw_workbook* book) {
  lxw_doc_properties properties{};
  char title[] = "iqgate measurements";
  properties.title = title;
  properties.created = 946684800;
  workbook_set_properties(book, &properties);
}

class Sheet {
 public:
  Sheet(lxw_workbook* book, const char* name, const std::vector<const char*>& heads)
      : sheet_(workbook_add_worksheet(book, name)), bold_(workbook_add_format(book)) {
    format_set_bold(bold_);
    for (const char* head : heads) worksheet_write_string(sheet_, 0, column_++, head, bold_);
    worksheet_freeze_panes(sheet_, 1, 0);
    worksheet_set_column(sheet_, 0, 2, 26, nullptr);
  }
  void next_row() { ++row_, column_ = 0; }
  // Always as a string cell: no text is taken for a formula.
  void put(std::string text) {
    constexpr std::size_t most = 32767;  // that a cell holds
    if (text.size() > most) text = text.substr(0, most - 3) + "...";
    worksheet_write_string(sheet_, row_, column_++, text.c_str(), nullptr);
  }
  void put(const std::optional<double>& value) {
    if (value) worksheet_write_number(sheet_, row_, column_, *value, nullptr);
    ++column_;
  }

 private:
  lxw_worksheet* sheet_;
  lxw_format* bold_;
  lxw_row_t row_ = 0;
  lxw_col_t column_ = 0;
};

}  // namespace

void write_xlsx(const std::string& path, const json::Value& result) {
  write_atomically(path, [&](const std::string& temporary) {
    lxw_workbook* book = workbook_new(temporary.c_str());
    if (!book) throw OutputError("cannot_write", path, "the workbook cannot be made");
    set_date(book);
    Sheet numbers(book, "measurements",
                  {"name", "variant", "where", "value", "unit", "se", "ci95_lo", "ci95_hi", "n_eff", "state",
                   "limit_low", "limit_high", "limit_source", "method", "standard", "flags"});
    Sheet missing(book, "not measured", {"name", "variant", "where", "reason", "state"});
    for (const ResultRow& r : rows_of(result)) {
      Sheet& sheet = r.value ? numbers : missing;
      sheet.next_row();
      sheet.put(r.name), sheet.put(r.variant), sheet.put(r.where);
      if (!r.value) {
        sheet.put(r.method), sheet.put(r.state);
        continue;
      }
      std::string flags;
      for (const std::string& f : r.flags) flags += (flags.empty() ? "" : ";") + f;
      sheet.put(r.value), sheet.put(r.unit), sheet.put(r.se), sheet.put(r.ci95_lo), sheet.put(r.ci95_hi);
      sheet.put(r.n_eff), sheet.put(r.state), sheet.put(r.limit_low), sheet.put(r.limit_high);
      sheet.put(r.limit_source), sheet.put(r.method), sheet.put(r.standard), sheet.put(flags);
    }
    if (const lxw_error error = workbook_close(book); error != LXW_NO_ERROR)
      throw OutputError("cannot_write", path, lxw_strerror(error));
  });
}

}  // namespace iqgate::report
