using System.Runtime.Versioning;

// QEMU under Linux, files with Unix modes, apt-get: there is no other platform to think of.
[assembly: SupportedOSPlatform("linux")]
