namespace VirtSecurity.SELinux;

/// <summary>The types an image may be given, and which hypervisor each is for (reference policy and Fedora: virt.te, xen.te).</summary>
internal static class ImageTypes
{
    /// <summary>KVM/libvirt image storage at rest.</summary>
    public const string Kvm = "virt_image_t";

    /// <summary>Xen guests' images.</summary>
    public const string Xen = "xen_image_t";

    /// <summary>Read-only content, such as installation media.</summary>
    public const string Content = "virt_content_t";

    /// <summary>A disk's node at rest. libvirt labels the node for the guest that uses it, and gives this back.</summary>
    public const string FixedDisk = "fixed_disk_device_t";

    /// <summary>
    /// All of them. <c>svirt_image_t</c> is not among them: without categories every guest shares it, and with
    /// categories it is libvirt's to give.
    /// </summary>
    public static IReadOnlyList<string> All { get; } = [Kvm, Xen, Content];
}
