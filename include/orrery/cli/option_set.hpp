#pragma once

#include "orrery/core/option_table.hpp"

#include <boost/program_options.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace orrery::cli {

/// The options of a command, from its words and from an INI file, and its --help.
class OptionSet {
 public:
  /// `section` of the INI file; empty for a command that reads none. `usage` are the first lines of its help.
  OptionSet(std::string command, std::string section, std::string usage);

  /// Adds the options of a table, by its groups. What their targets point to is filled in by `parse`.
  void add(const core::OptionTable& table);
  /// Names a word that stands without an option, `count` of them at most.
  void positional(const std::string& name, int count);

  /// Reads `words`: true where --help was asked for, and nothing else then. The command line wins over the
  /// file, the file over defaults; abbreviations are off. Throws usage_error on anything unknown, naming the
  /// nearest known option, and on a value that an INI file could not hold ('#', spaces at its edges).
  bool parse(const std::vector<std::string>& words);
  /// The words given for a positional name.
  std::vector<std::string> words(const std::string& name) const {
    return values_.count(name) > 0 ? values_[name].as<std::vector<std::string>>()
                                   : std::vector<std::string>();
  }

  /// The INI file that was given; empty where none was.
  std::filesystem::path config() const {
    return values_.count("config") > 0 ? values_["config"].as<std::string>() : std::string();
  }

  std::string help() const;
  /// Names of all options, as the help lists them.
  std::vector<std::string> names() const;

 private:
  /// The group of that title, a new one where there is none.
  boost::program_options::options_description& group(const std::string& title);
  void read_config(const std::filesystem::path& path);
  /// What a file says in this command's section, with plain keys; usage_error on any key or section that is
  /// unknown.
  boost::program_options::parsed_options own_section(boost::program_options::parsed_options parsed,
                                                     const boost::program_options::options_description& keys,
                                                     const std::string& file) const;

  std::string command_;
  std::string section_;
  std::string usage_;
  std::vector<std::string> titles_;  ///< of groups_
  std::vector<boost::program_options::options_description> groups_;
  boost::program_options::options_description hidden_;
  boost::program_options::positional_options_description positional_;
  boost::program_options::variables_map values_;
};

/// The one of `known` that begins with `word`, or differs from it in the fewest letters; "" where none is
/// near.
std::string nearest(const std::string& word, const std::vector<std::string>& known);

}  // namespace orrery::cli
