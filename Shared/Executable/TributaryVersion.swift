/// The version of all executables, as `--version` and `tributary_build_info` say it.
package enum TributaryVersion {
    package static let current = "0.1.0"
}
