namespace VirtSecurity.Lab;

/// <summary>What a script in the lab machine ended with. Both streams are whole, with their last newline.</summary>
public sealed record LabResult(int ExitCode, string Stdout, string Stderr);
