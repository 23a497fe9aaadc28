namespace VirtSecurity.Lab;

/// <summary>A finished image: the root disk nobody writes to, kernel files, and the keys that fit it.</summary>
internal sealed record LabImage(string Folder)
{
    public string RootDisk => Path.Combine(Folder, "root.qcow2");

    public string BootFolder => Path.Combine(Folder, "boot");

    /// <summary>Private key of root, admin and operator in the machine.</summary>
    public string IdentityFile => Path.Combine(Folder, "id_ed25519");

    /// <summary>The machine's host key, baked in when the image was made: no key is ever accepted unseen.</summary>
    public string KnownHosts => Path.Combine(Folder, "known_hosts");
}
