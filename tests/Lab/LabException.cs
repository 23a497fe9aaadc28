namespace VirtSecurity.Lab;

/// <summary>The lab itself could not do what was asked; the message says what is missing or what the tool said.</summary>
public sealed class LabException : Exception
{
    public LabException()
    {
    }

    public LabException(string message)
        : base(message)
    {
    }

    public LabException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
